import { expect, test } from 'vitest';
import { isLoopback, judgeRequest, type Access, type Asked } from '../../src/dashboard/access.ts';

const loopback: Access = { host: '127.0.0.1' };
const guarded: Access = { host: '0.0.0.0', token: 'c0ffee' };

function ask(asked: Partial<Asked>): Asked {
  return { method: 'GET', host: 'localhost:8080', origin: undefined, token: undefined, ...asked };
}

function refusal(asked: Partial<Asked>, access = loopback): number | undefined {
  const verdict = judgeRequest(ask(asked), access);
  return verdict === 'allowed' ? undefined : verdict.refused;
}

test.each([
  'localhost:8080',
  'LOCALHOST',
  '127.0.0.1:8080',
  '10.1.2.3:1',
  '[::1]:8080',
  '[fe80::1]',
  'localhost:9',
])('an address that cannot be bound to somebody else may be asked for: %s', (host) =>
  expect(refusal({ host })).toBeUndefined(),
);

test.each([
  'evil.example:8080',
  'localhost.evil.example:8080',
  '127.0.0.1.nip.io:8080',
  'localhost@evil.example',
  '[::1].evil.example',
  'localhost:8080:8080',
  'localhost:port',
  '2130706433:8080',
  '0x7f.1:8080',
  '',
  ' localhost',
  '[evil.example]:80',
  undefined,
])('a name that may be bound to our address by others is refused: %s', (host) =>
  expect(refusal({ host })).toBe(403),
);

test('the name that it was told to serve may be asked for, and no other', () => {
  const named: Access = { host: 'Bench-7.example', token: 't' };
  expect(refusal({ host: 'bench-7.example:8080', token: 't' }, named)).toBeUndefined();
  expect(refusal({ host: 'bench-8.example:8080', token: 't' }, named)).toBe(403);
});

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get', ''])(
  'only reads are answered, not %s',
  (method) => expect(refusal({ method })).toBe(405),
);

test('other pages may not read it, whatever port or scheme they come from', () => {
  expect(refusal({ origin: 'http://localhost:8080' })).toBeUndefined();
  for (const origin of ['http://evil.example', 'http://localhost:3000', 'https://localhost:8080', 'null', ''])
    expect(refusal({ origin }), origin).toBe(403);
});

test('where there is a token, it is needed', () => {
  expect(refusal({ token: 'c0ffee' }, guarded)).toBeUndefined();
  for (const token of [undefined, '', 'c0ffe', 'c0ffee0', 'C0FFEE', 'çoffee'])
    expect(refusal({ token }, guarded), token).toBe(403);
  // It does not stand in for the other checks.
  expect(refusal({ token: 'c0ffee', host: 'evil.example' }, guarded)).toBe(403);
  expect(refusal({ token: 'c0ffee', method: 'POST' }, guarded)).toBe(405);
});

test('loopback is what is loopback everywhere', () => {
  for (const address of ['localhost', '127.0.0.1', '127.9.9.9', '::1'])
    expect(isLoopback(address)).toBe(true);
  for (const address of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'localhost.example', '1127.0.0.1'])
    expect(isLoopback(address)).toBe(false);
});

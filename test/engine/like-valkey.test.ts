import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningEngine, startEngine } from '../../src/engine/start.ts';
import { needs } from '../servers/need.ts';
import { type RunningServer, startServer } from '../servers/start.ts';
import { RawClient } from './raw-client.ts';

needs('valkey-server');

let engine: RunningEngine;
let valkey: RunningServer;
let lockedEngine: RunningEngine;
let lockedValkey: RunningServer;

beforeAll(async () => {
  engine = await startEngine();
  valkey = await startServer();
  lockedEngine = await startEngine({ password: 'secret' });
  lockedValkey = await startServer({ args: ['--requirepass', 'secret'] });
});

afterAll(async () => {
  for (const server of [engine, valkey, lockedEngine, lockedValkey]) await server[Symbol.asyncDispose]();
});

/** The bytes of all replies to what is sent to a fresh connection; QUIT's is missing where the server hung up before. */
async function answers(port: number, bytes: string): Promise<string> {
  using client = await RawClient.open(port, 'bytes');
  return client.untilClosed(`${bytes}*1\r\n$4\r\nQUIT\r\n`);
}

/** RESP of a command that is written with blanks between its words. */
const resp = (line: string): string => {
  const words = line.split(' ');
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
};

const ours = (bytes: string): Promise<string> => answers(engine.port, bytes);
const theirs = (bytes: string): Promise<string> => answers(valkey.port, bytes);

const protocolErrors: Record<string, string> = {
  'a count that is no number': '*x\r\n',
  'a count that is too large': '*2147483648\r\n',
  'a count with a leading zero': '*01\r\n$4\r\nPING\r\n',
  'no count at all': '*\r\n',
  'an empty command': '*0\r\n*-1\r\n',
  'a word without $': '*1\r\nPING\r\n',
  'a bulk length that is no number': '*1\r\n$x\r\n',
  'a negative bulk length': '*1\r\n$-1\r\n',
  'an oversized bulk': '*2\r\n$3\r\nGET\r\n$536870913\r\n',
  'an absurd bulk': '*2\r\n$3\r\nGET\r\n$99999999999999999999\r\n',
  'a count line without end': `*${'1'.repeat(70_000)}`,
  'a bulk line without end': `*1\r\n$${'1'.repeat(70_000)}`,
  'an inline command without end': 'x'.repeat(70_000),
  'unbalanced quotes': 'SET a "b\r\n',
  'quotes that go on': 'SET a "b"c\r\n',
};

test.each(Object.entries(protocolErrors))('protocol error as Valkey: %s', async (_, bytes) => {
  expect(await ours(bytes)).toBe(await theirs(bytes));
});

const inlines = [
  'PING\r\n',
  'PING\n',
  '\r\n\r\nPING\r\n',
  '  SET  inline "a\\x41\\n\\t\\"" \r\nGET inline\r\n',
  "SET inline 'a\\'b'\r\nGET inline\r\n",
  'SET inline ""\r\nGET inline\r\n',
];

test.each(inlines)('inline commands as Valkey: %j', async (bytes) => {
  expect(await ours(bytes)).toBe(await theirs(bytes));
});

const commandErrors = [
  'nosuch',
  'nosuch a b',
  `nosuch ${'x'.repeat(200)} ${'y'.repeat(200)} z`,
  `${'n'.repeat(200)} a`,
  'GET',
  'get a b',
  'SET a',
  'CONFIG',
  'CONFIG NOSUCH',
  'CONFIG GET',
  'CLIENT',
  'CLIENT NOSUCH x',
  'CLIENT SETNAME',
  'CONFIG SET nosuch 1',
  'SELECT 16',
  'SELECT -1',
  'SELECT x',
  'SET a b NOSUCH',
  'SET a b NX XX',
  'MSET a',
  'MSET a 1 b',
  'HSET h f',
  'HSET h f v g',
  'AUTH x',
  'AUTH a b c',
  'HELLO 4',
  'HELLO x',
  'HELLO 3 NOSUCH',
  'CLUSTER NODES',
  'CLUSTER INFO',
  'LPOP l -1',
  'ZADD z x a',
  'ZADD z 1',
  'PING a b',
  'DEL',
  'FLUSHALL NOSUCH',
  'CLIENT KILL nosuch',
  'SCAN x',
];

test.each(commandErrors)('error as Valkey: %s', async (line) => {
  expect(await ours(resp(line))).toBe(await theirs(resp(line)));
});

/** Commands with `; ` between them. */
const sessions: Record<string, string> = {
  strings:
    'FLUSHALL; GET a; SET a 1; GET a; INCR a; INCR n; DECR n; INCRBY n 41; SET a b GET; GET a; ' +
    'SET a c NX; SET new c XX; SETNX a d; GETSET a e; GETDEL a; GETDEL a; STRLEN n; INCR a; ' +
    'SET big 9223372036854775807; INCR big; SET word x; INCR word; MSET x 1 y 2; MGET x nokey y; ' +
    'DECRBY x 10; EXISTS x y nokey x; TYPE x; TTL x; TTL nokey; DEL x y nokey; UNLINK n; DBSIZE',
  hashes:
    'FLUSHALL; HSET h a 1 b 2; HSET h a 3 c 4; HGET h a; HGET h nokey; HGET nokey a; HMGET h a z c; ' +
    'HLEN h; HEXISTS h a; HDEL h a z; HGETALL h; HKEYS h; HVALS h; HSETNX h b 9; HSETNX h d 9; ' +
    'HINCRBY h n 5; HMSET h q 1; HSTRLEN h q; HDEL h b c d n q; EXISTS h; HGETALL h; TYPE h',
  lists:
    'FLUSHALL; LPUSH l 1 2 3; RPUSH l 0; LRANGE l 0 -1; LRANGE l -2 -1; LRANGE l 5 9; LRANGE l 2 1; ' +
    'LINDEX l 0; LINDEX l -1; LINDEX l 9; LLEN l; LPOP l; RPOP l; LPOP l 5; LPOP l; LPOP l 2; ' +
    'RPOP nokey; LLEN l; EXISTS l; SET s x; LPUSH s 1; LPOP s; LRANGE s 0 1',
  sets:
    'FLUSHALL; SADD s a; SADD s a b; SCARD s; SISMEMBER s a; SISMEMBER s z; SREM s a z; SMEMBERS s; ' +
    'SPOP s; SPOP s; SPOP s 3; EXISTS s; SMEMBERS s; LPUSH l 1; SADD l 1; SPOP l',
  'sorted sets':
    'FLUSHALL; ZADD z 2 b 1 a 3 c; ZADD z 5 a; ZCARD z; ZSCORE z a; ZSCORE z no; ZRANGE z 0 -1; ' +
    'ZRANGE z 0 -1 WITHSCORES; ZADD z 1.5 d inf e -inf f; ZPOPMIN z; ZPOPMIN z 2; ZREM z c no; ' +
    'ZPOPMIN z; ZPOPMIN z; ZPOPMIN z; ZPOPMIN z 3; EXISTS z; ZADD w 1e21 x 0.1 y; ZPOPMIN w 9',
  streams:
    'FLUSHALL; XADD x 1-1 f v; XADD x 1-1 f v; XADD x 2 f v g w; XADD x 0-0 f v; XADD x y f v; ' +
    'XLEN x; XRANGE x - +; XADD x 3-0 f; XLEN nokey; TYPE x; LPUSH l 1; XADD l * f v; XADD x 1 f v g',
  connections:
    'PING; PING hello; ECHO x; SELECT 1; DBSIZE; SELECT 0; CLIENT SETNAME me; CLIENT GETNAME; ' +
    'CLIENT SETINFO lib-name x; CLIENT SETINFO nosuch x; CONFIG GET nosuch; CONFIG GET databases; ' +
    'RESET; CLIENT GETNAME; CONFIG RESETSTAT; COMMAND INFO nosuch; FLUSHALL ASYNC; FLUSHDB SYNC; ' +
    'KEYS *; SET k v; KEYS k*; KEYS [a-j]; KEYS ?; SCAN 0; SCAN 0 MATCH x*; SCAN 0 TYPE string; ' +
    'RANDOMKEY',
};

describe.each([2, 3])('RESP%i', (protocol) => {
  test.each(Object.keys(sessions))('replies are those of Valkey, byte for byte: %s', async (name) => {
    const replies = async (port: number): Promise<string[]> => {
      using client = await RawClient.open(port, 'bytes');
      await client.exchange(resp(`HELLO ${protocol}`) + resp('ECHO hello-done'), 'hello-done\r\n');
      const all: string[] = [];
      for (const line of sessions[name]!.split('; '))
        all.push(`${line} -> ${await client.exchange(resp(line) + resp('ECHO then'), '$4\r\nthen\r\n')}`);
      return all;
    };
    expect(await replies(engine.port)).toEqual(await replies(valkey.port));
  });
});

test.each([
  'GET a',
  'NOSUCH',
  'AUTH wrong',
  'AUTH default wrong',
  'AUTH other secret',
  'HELLO 3',
  'HELLO 3 AUTH default wrong',
])('without the password, as Valkey: %s', async (line) => {
  expect(await answers(lockedEngine.port, resp(line))).toBe(await answers(lockedValkey.port, resp(line)));
});

test('with the password, as Valkey', async () => {
  const lines =
    resp('AUTH secret') + resp('PING') + resp('RESET') + resp('PING') + resp('AUTH default secret');
  expect(await answers(lockedEngine.port, lines)).toBe(await answers(lockedValkey.port, lines));
});

test('a client that sends HTTP is hung up on, as by Valkey', async () => {
  for (const port of [engine.port, valkey.port]) {
    using client = await RawClient.open(port, 'bytes');
    expect(await client.untilClosed('POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')).toBe('');
  }
});

import { expect, test } from 'vitest';
import { fillIn, parseRestartCommand, variableOf } from '../../src/experiment/restart-command.ts';
import { isKept, parseBytes, parseSetting } from '../../src/experiment/setting-value.ts';

test.each([
  ['100mb', '104857600', true],
  ['100m', '100000000', true],
  ['100MB', '100000000', false],
  ['YES', 'yes', true],
  ['no', 'yes', false],
  ['ALLKEYS-LRU', 'allkeys-lru', true],
  ['KEA', 'AKE', true],
  ['KEA', 'AK', false],
  ['normal 1mb 0 0', 'normal 1048576 0 0 slave 268435456 67108864 60', true],
  ['replica 1mb 0 0', 'normal 0 0 0 slave 1048576 0 0 pubsub 1 1 1', true],
  ['normal 2mb 0 0', 'normal 1048576 0 0 slave 268435456 67108864 60', false],
  ['', '', true],
  ['""', '', true],
  ['', 'yes', false],
  ['5%', '5%', true],
  ['1000', '500', false],
  ['-1', '-1', true],
])('asked for %j, reported %j: kept %s', (asked, reported, kept) => {
  expect(isKept(asked, reported)).toBe(kept);
});

test('sizes are in the servers’ own units', () => {
  expect(['1k', '1kb', '2GB', '17', '1g'].map((text) => parseBytes(text))).toEqual([
    1000,
    1024,
    2 * 1024 ** 3,
    17,
    1e9,
  ]);
  expect(['', 'mb', '-1', '1.5mb', '1tb', '9'.repeat(19)].map((text) => parseBytes(text))).toEqual(
    Array.from({ length: 6 }),
  );
});

test('a setting is NAME=VALUE, and its value may hold anything', () => {
  expect(parseSetting('Save=3600 1=x')).toEqual(['save', '3600 1=x']);
  expect(parseSetting('save=')).toEqual(['save', '']);
  for (const bad of ['hz', '=1', 'a b=1', 'requirepass=x'])
    expect(() => parseSetting(bad)).toThrow(/^Expected/);
});

test('a restart command is split without a shell', () => {
  const { argv } = parseRestartCommand(String.raw`ssh 'db 1' "restart \"{io-threads}\"" a\ b $HOME | '' *`);
  expect(argv).toEqual(['ssh', 'db 1', 'restart "{io-threads}"', 'a b', '$HOME', '|', '', '*']);
  expect(fillIn(argv, new Map([['io-threads', '4']]))[2]).toBe('restart "4"');
  expect(fillIn(['{other}', '{}'], new Map([['io-threads', '4']]))).toEqual(['{other}', '{}']);
  expect(variableOf('search.reader-threads')).toBe('STAGEWATCH_CONFIG_SEARCH_READER_THREADS');
  expect(() => parseRestartCommand("a 'b")).toThrow(/close its ' quote/);
  expect(() => parseRestartCommand('  ')).toThrow(/got nothing/);
});

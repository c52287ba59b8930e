import { describe, expect, test } from 'vitest';
import { redactArgv, redactText } from '../../src/target/redact.ts';

const planted = 'hunter2';

describe('a command line', () => {
  test.each([
    'valkey-server --port 6379 --requirepass hunter2 --appendonly no',
    'valkey-server --primaryauth hunter2 --masterauth hunter2',
    'valkey-server --user default on >hunter2 ~* +@all --port 6379',
    'valkey-server --user alice on #hunter2 <hunter2 !hunter2',
    'valkey-server --tls-key-file-pass hunter2',
    'valkey-cli -a hunter2 PING',
    'valkey-cli --pass hunter2 PING',
    'valkey-cli --pass=hunter2',
    'valkey-cli -u redis://alice:hunter2@127.0.0.1:6379/0',
    'valkey-cli -u redis://alice:hun@ter/hunter2@127.0.0.1:6379/0',
    'valkey-cli -u rediss://hunter2@host',
    'valkey-cli AUTH alice hunter2',
    'valkey-cli HELLO 3 AUTH alice hunter2',
    'valkey-cli CONFIG SET requirepass hunter2',
    'valkey-cli CONFIG SET MASTERAUTH hunter2',
    'bench --redis-password hunter2 --api-key=hunter2 --auth hunter2',
    'curl -u alice:hunter2 http://host',
    'env REDISCLI_AUTH=hunter2 MY_TOKEN=hunter2 valkey-cli',
    'memtier_benchmark --authenticate=alice:hunter2',
    'stagewatch monitor --hook server-metrics,user=alice,password=hunter2,hz=2',
  ])('%s', (line) => {
    const words = redactArgv(line.split(' '));
    expect(words.join(' ')).not.toContain(planted);
    expect(words).toHaveLength(line.split(' ').length);
  });

  test('a command line within one word', () => {
    const words = ['sh', '-c', 'valkey-cli -a hunter2 PING && bench --pass=hunter2 redis://a:hunter2@host'];
    expect(redactArgv(words).join('|')).toBe(
      'sh|-c|valkey-cli -a *** PING && bench --pass=*** redis://***@host',
    );
  });

  test('a directive within one word', () => {
    expect(redactArgv(['sh', '-c', 'echo "requirepass hunter2" | valkey-server -'])).toEqual([
      'sh',
      '-c',
      'echo "requirepass *** | valkey-server -',
    ]);
  });

  test.each([
    'valkey-server 127.0.0.1:6379',
    'valkey-benchmark -t set,get -n 100000 -c 50 -P 16 --threads 2 -q',
    'bench --host 127.0.0.1 -p 6379 --dataset tokens.hdf5 --no-auth-warning get:pipeline_16',
  ])('harmless words stay: %s', (line) => {
    expect(redactArgv(line.split(' ')).join(' ')).toBe(line);
  });
});

test('running text keeps its blanks, and messages their sense', () => {
  expect(redactText('could not  reach redis://a:hunter2@host:1\n-NOAUTH or AUTH failed: user alice:b')).toBe(
    'could not  reach redis://***@host:1\n-NOAUTH or AUTH failed: user alice:***',
  );
});

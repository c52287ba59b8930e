import type { Client } from '../client.ts';
import { CommandError, wrongArity } from '../command-error.ts';
import { command, container } from '../command.ts';
import { globMatcher } from '../glob.ts';
import { infoText } from '../info.ts';

const noCluster = (): never => {
  throw new CommandError('ERR This instance has cluster support disabled');
};

export const serverCommands = [
  command('info', -1, 'Facts and figures of the server.', info),
  command('time', 1, 'The time of the server: seconds, and microseconds of the second.', time, {
    flags: ['fast'],
  }),
  command('shutdown', -1, 'Ends the server.', shutdown, { flags: ['admin'] }),
  command('cluster', -2, 'This is no cluster.', noCluster),
  container(
    'config',
    'Settings.',
    [
      command('config|get', -3, 'Settings that match patterns.', configGet),
      command('config|set', -4, 'Changes settings.', configSet),
      command('config|resetstat', 2, 'Sets all counters to 0.', resetStat),
    ],
    ['admin'],
  ),
  container('module', 'Modules: there are none.', [
    command('module|list', 2, 'An empty list.', ({ reply }) => reply.array(0)),
  ]),
];

function info({ engine, request, reply }: Client): void {
  const sections: string[] = [];
  for (let i = 1; i < request.count; i++) sections.push(request.text(i).toLowerCase());
  // A path may hold any character; replies are bytes.
  reply.verbatim(Buffer.from(infoText(engine, sections)).toString('latin1'));
}

function time({ reply }: Client): void {
  const now = performance.timeOrigin + performance.now();
  reply.bulks([String(Math.floor(now / 1000)), String(Math.floor((now % 1000) * 1000))]);
}

function shutdown(client: Client): void {
  client.isClosing = true;
  client.reply.ok();
  client.engine.shutdown();
}

function configGet({ engine, request, reply }: Client): void {
  const matchers: ((name: string) => boolean)[] = [];
  for (let i = 2; i < request.count; i++) matchers.push(globMatcher(request.text(i).toLowerCase()));
  const found = engine.config.entries().filter(([name]) => matchers.some((matches) => matches(name)));
  reply.map(found.length);
  for (const [name, value] of found) {
    reply.bulk(name);
    reply.bulk(value);
  }
}

function configSet({ engine, request, reply }: Client): void {
  if (request.count % 2 === 1) throw wrongArity('config|set');
  for (let i = 2; i < request.count; i += 2)
    engine.config.set(request.text(i).toLowerCase().slice(0, 128), request.text(i + 1));
  reply.ok();
}

function resetStat({ engine, reply }: Client): void {
  engine.stats.reset();
  engine.search.resetCounters();
  reply.ok();
}

/**
 * The engine's process. Descriptor 3 is its lifeline: the job comes as one line of JSON, the report goes back as one,
 * and its end means that whoever started us is gone.
 */
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { StagewatchError, messageOf } from '../error.ts';
import { Engine } from './engine.ts';
import type { EngineJob, EngineReport } from './options.ts';
import { keepPerfMap, removePerfMap } from './perf-map.ts';
import { EngineServer } from './server.ts';
import { chooseHnsw } from './vector/provider.ts';

process.title = 'stagewatch-engine';
process.on('exit', () => removePerfMap(process.pid));
keepPerfMap();

const lifeline = new Socket({ fd: 3, readable: true, writable: true });
lifeline.on('error', () => process.exit(0));
lifeline.on('close', () => process.exit(0));
createInterface({ input: lifeline }).once('line', (line) => void serve(JSON.parse(line) as EngineJob));

async function serve(job: EngineJob): Promise<void> {
  try {
    const hnsw = chooseHnsw(job.hnsw);
    const engine = new Engine({ password: job.password, maxClients: job.maxClients, hnsw });
    const server = new EngineServer(engine);
    const port = await server.listen(job.port, job.bind);
    const end = (): void => void server[Symbol.asyncDispose]().finally(() => process.exit(0));
    engine.shutdown = () => setImmediate(end);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, end);
    report({ state: 'ready', port, pid: process.pid, hnsw: hnsw.name });
  } catch (error) {
    const code = error instanceof StagewatchError ? error.code : 'engine-not-started';
    report({ state: 'failed', code, message: messageOf(error) });
    lifeline.end();
  }
}

function report(answer: EngineReport): void {
  lifeline.write(`${JSON.stringify(answer)}\n`);
}

import { once } from 'node:events';
import { connect } from 'node:net';
import { startEngine } from '../src/engine/start.ts';
import { hnswProviders } from '../src/engine/vector/provider.ts';
import { loadHnswlib } from '../src/engine/vector/hnswlib.ts';
import { ReplySkipper, encodeCommand } from '../src/valkey/resp.ts';

const COUNT = 20_000;
const DIMENSIONS = 64;
const K = 10;
const EF = 50;
const PIPELINE = 16;
const ROUNDS = 7;
const ROUND_MS = 1500;

/**
 * Queries a second: the engine, asked by one pipelined connection, beside hnswlib-node called in a loop; in turns, so
 * that the machine's moods meet both. Medians.
 */
export async function run(print: (line: string) => void): Promise<void> {
  const vectors = makeVectors(COUNT, 1);
  const queries = makeVectors(1000, 2);
  const direct = loadHnswlib() ? makeDirect(vectors) : undefined;
  print(
    `${COUNT} x ${DIMENSIONS}, COSINE, M 16, ef ${EF}, k ${K}; pipeline ${PIPELINE}, medians of ${ROUNDS}`,
  );
  for (const hnsw of hnswProviders.filter((name) => direct !== undefined || name === 'javascript')) {
    await using engine = await startEngine({ hnsw });
    await load(engine.port, vectors);
    const served: number[] = [];
    const called: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      served.push(await queryServer(engine.port, queries));
      if (direct) called.push(direct(queries));
    }
    const rate = median(served);
    const ratio = direct
      ? `, ${(rate / median(called)).toFixed(2)} of hnswlib-node called directly (${Math.round(median(called))}/s)`
      : '';
    print(`engine, ${hnsw.padEnd(12)} ${Math.round(rate)} queries/s${ratio}`);
  }
}

function makeDirect(vectors: readonly Float32Array[]): (queries: readonly Float32Array[]) => number {
  const { HierarchicalNSW } = loadHnswlib()!;
  const index = new HierarchicalNSW('ip', DIMENSIONS);
  index.initIndex({ maxElements: vectors.length, m: 16, efConstruction: 200, randomSeed: 100 });
  for (const [i, vector] of vectors.entries()) index.addPoint([...vector], i);
  index.setEf(EF);
  return (queries) => {
    const startedMs = performance.now();
    let done = 0;
    for (; performance.now() - startedMs < ROUND_MS; done++)
      // As a program has it that got the vector from elsewhere: the addon wants a plain array.
      index.searchKnn(Array.from(queries[done % queries.length]!), K);
    return (done / (performance.now() - startedMs)) * 1000;
  };
}

async function load(port: number, vectors: readonly Float32Array[]): Promise<void> {
  const create =
    `FT.CREATE idx ON HASH PREFIX 1 p: SCHEMA embedding VECTOR HNSW 10 TYPE FLOAT32 DIM ${DIMENSIONS} DISTANCE_METRIC COSINE M 16 EF_CONSTRUCTION 200`.split(
      ' ',
    );
  const writes = vectors.map((vector, i) =>
    encodeCommand(['HSET', `p:${String(i).padStart(12, '0')}`, 'embedding', Buffer.from(vector.buffer)]),
  );
  await exchange(port, [encodeCommand(create), ...writes], () => false);
}

async function queryServer(port: number, queries: readonly Float32Array[]): Promise<number> {
  const commands = queries.map((query) =>
    encodeCommand([
      ...['FT.SEARCH', 'idx', `*=>[KNN ${K} @embedding $BLOB EF_RUNTIME ${EF}]`, 'PARAMS', 2, 'BLOB'],
      Buffer.from(query.buffer),
      ...['NOCONTENT', 'LIMIT', 0, K, 'DIALECT', 2],
    ]),
  );
  const startedMs = performance.now();
  const done = await exchange(port, commands, () => performance.now() - startedMs < ROUND_MS);
  return (done / (performance.now() - startedMs)) * 1000;
}

/** Sends commands, PIPELINE at a time on their way, and over again while `more` says so. @returns replies. */
async function exchange(port: number, commands: readonly Buffer[], more: () => boolean): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const skipper = new ReplySkipper();
  let sent = 0;
  let received = 0;
  const send = (count: number): void => {
    const batch: Buffer[] = [];
    while (batch.length < count && (sent < commands.length || more()))
      batch.push(commands[sent++ % commands.length]!);
    if (batch.length > 0) socket.write(batch.length === 1 ? batch[0]! : Buffer.concat(batch));
  };
  send(PIPELINE);
  for await (const chunk of socket) {
    const bytes = chunk as Buffer;
    const replies = skipper.skip(bytes, 0, bytes.length);
    if (skipper.errors.length > 0) throw new Error(skipper.errors[0]!.message);
    received += replies;
    send(replies);
    if (received === sent) break;
  }
  socket.destroy();
  return received;
}

function makeVectors(count: number, seed: number): Float32Array[] {
  let state = seed;
  const random = (): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  return Array.from({ length: count }, () => {
    const vector = Float32Array.from({ length: DIMENSIONS }, random);
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

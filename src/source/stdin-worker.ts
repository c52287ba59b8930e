import { fstatSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { UsageError } from '../error.ts';
import { IdleWatch } from './idle.ts';
import { openInput } from './input.ts';
import type { StdinWorkerOptions, ToWorker, WireEnd, WorkerStart } from './messages.ts';
import { Pump } from './pump.ts';
import { toWire, Uplink } from './uplink.ts';

/** Runs in a worker: on the main thread a slow reader, or a burst, would hold up the hooks. */
function followStdin(options: StdinWorkerOptions, uplink: Uplink, onStop: (stop: () => void) => void): void {
  let pump: Pump | undefined;
  let ended = false;
  const end = async (result: WireEnd): Promise<void> => {
    if (ended) return;
    ended = true;
    idle.close();
    await pump?.stop();
    uplink.ended(result);
  };
  const idle = new IdleWatch(
    options.idleTimeoutMs,
    () => pump?.isBusy() ?? false,
    () => void end({ state: 'idle' }),
  );
  onStop(() => void end({ state: 'stopped' }));
  try {
    if (options.passThrough) refuseOwnOutput();
    pump = new Pump({
      openInput: (events) => openInput(0, events),
      outputFd: options.passThrough ? 1 : undefined,
      uplink,
      touched: () => idle.touch(),
      ended: (error) => void end(error ? { state: 'failed', error: toWire(error) } : { state: 'eof' }),
    });
    uplink.started();
  } catch (error) {
    void end({ state: 'failed', error: toWire(error) });
  }
}

/** Following what we write ourselves would never end. */
function refuseOwnOutput(): void {
  const [input, output] = [fstatSync(0), fstatSync(1)];
  if (!input.isFile() || input.dev !== output.dev || input.ino !== output.ino) return;
  throw new UsageError(
    'output-is-input',
    'Expected standard output to be another file than standard input, got the same.',
  );
}

const port = parentPort;
if (port) {
  const { options, inFlight, hold } = workerData as WorkerStart;
  const follow = (): void => {
    if (options.source !== 'stdin') return;
    followStdin(options, new Uplink(port, inFlight), (stop) =>
      port.on('message', ({ type }: ToWorker) => {
        if (type === 'stop') stop();
      }),
    );
  };
  // Nothing else is said before: a source that is stopped while it is held is ended from outside.
  if (hold) port.once('message', follow);
  else follow();
}

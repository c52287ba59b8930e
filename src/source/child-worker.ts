import { parentPort, workerData } from 'node:worker_threads';
import { FollowedChild } from './followed-child.ts';
import type { ToWorker, WorkerStart } from './messages.ts';
import { Uplink } from './uplink.ts';

// Runs in a worker: on the main thread a slow reader of our output, or a burst, would hold up the hooks.
const port = parentPort;
if (port) {
  const { options, inFlight } = workerData as WorkerStart;
  if (options.source === 'child') {
    const child = new FollowedChild(options, new Uplink(port, inFlight));
    port.on('message', (message: ToWorker) => {
      if (message.type === 'kill') child.kill(message.signal);
      else void child.end({ state: 'stopped' });
    });
  }
}

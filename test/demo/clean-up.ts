import { viewDataset } from '../../src/load/dataset-view.ts';
import { ControlLink } from '../../src/load/control-link.ts';
import { detectDialect } from '../../src/load/vector-index.ts';
import { stagewatch } from './command.ts';
import { type DemoServer, passwordOf } from './server.ts';

/** Takes from the user's server what the demo put there: the vectors, and the index. Nothing else has such names. */
export async function removeDataset({ host, port }: DemoServer, dataset: string): Promise<void> {
  const at = ['-h', host, '-p', String(port)];
  await stagewatch(['load', '-t', 'vec-delete', ...at, '--dataset', dataset, '-q']);
  const control = await ControlLink.open({ host, port, database: 0, ...passwordOf(process.env) });
  try {
    // A vector set goes with its last element.
    if ((await detectDialect(control)) === 'search')
      await control.demand(['FT.DROPINDEX', (await viewDataset(dataset)).defaultIndex]);
  } finally {
    control.close();
  }
}

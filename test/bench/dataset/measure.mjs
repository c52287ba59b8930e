// Makes a dataset, or reads all of one, and tells the most memory that it had, in bytes.
import { makeDataset } from '../../../dist/src/bench/dataset/make.js';
import { openDataset } from '../../../dist/src/bench/dataset/open.js';

const [what, path, count, dim, queries] = process.argv.slice(2);
let vectors = 0;
let sum = 0;
if (what === 'make') {
  vectors = Number(count);
  await makeDataset({
    output: path,
    count: vectors,
    dim: Number(dim),
    queries: Number(queries),
    neighbors: 100,
  });
} else {
  const dataset = await openDataset(path);
  for await (const batch of dataset.batches()) {
    vectors += batch.count;
    sum += batch.vectors[0];
  }
  await dataset.close();
}
process.stdout.write(JSON.stringify({ vectors, sum, maxRss: process.resourceUsage().maxRSS * 1024 }));

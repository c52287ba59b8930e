// A server whose delays are known: each GET is answered after one of the given delays, in turns. It writes down what
// it really did: from a request that was read to its answer, ms. DELAYS gives that as JSON and begins anew.
import { createServer } from 'node:net';

const delaysMs = JSON.parse(process.argv[2]);
const doneMs = [];
let next = 0;

const answer = (socket, readMs, dueMs) => {
  const leftMs = dueMs - performance.now();
  if (leftMs > 0) return setTimeout(answer, Math.max(1, Math.floor(leftMs)), socket, readMs, dueMs);
  doneMs.push(performance.now() - readMs);
  socket.write('$-1\r\n');
};

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  // Clients without a pipeline send one command at a time.
  socket.on('data', (chunk) => {
    const readMs = performance.now();
    const text = chunk.toString();
    if (text.includes('GET')) answer(socket, readMs, readMs + delaysMs[next++ % delaysMs.length]);
    else if (text.includes('PING')) socket.write('+PONG\r\n');
    else if (text.includes('DELAYS')) socket.write(`+${JSON.stringify(doneMs.splice(0))}\r\n`);
    else socket.write('$-1\r\n');
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));

// SPDX-License-Identifier: Apache-2.0
// A picture of the Mandelbrot set, computed by a pool: the user hands out stripes over several sessions at once, and
// writes a PNG. Elements that die meanwhile cost time and nothing else. A stripe does the same wherever it is computed.
import { writeFileSync } from 'node:fs';
import { main, poolUser, serveUntilStopped, tell, textOf } from './common.mjs';
import { png } from './png.mjs';

/** One octet a pixel: after how many steps it escapes; 0: it does not. */
export function stripe({ width, height, from, rows, centre: [x, y], span, steps }) {
  const pixels = new Uint8Array(width * rows);
  for (let row = 0; row < rows; row += 1) {
    const ci = y + ((from + row) / height - 0.5) * span * (height / width);
    for (let column = 0; column < width; column += 1) {
      const cr = x + (column / width - 0.5) * span;
      let [r, i, step] = [0, 0, 0];
      while (r * r + i * i < 4 && step < steps) {
        [r, i] = [r * r - i * i + cr, 2 * r * i + ci];
        step += 1;
      }
      pixels[row * width + column] = step === steps ? 0 : 1 + (step % 255);
    }
  }
  return pixels;
}

/** What an element takes on at once: some 100 ms of work, for it answers nobody meanwhile. */
const stepsMax = 100e6;

function check({ width, height, from, rows, steps }) {
  const all = [width, height, rows, steps].every((value) => Number.isInteger(value) && value > 0);
  if (!all || !(from >= 0) || width * rows * steps > stepsMax)
    throw new RangeError('no such stripe is computed here');
}

export function serve(values) {
  const compute = async (session) => {
    for await (const message of session) {
      const task = JSON.parse(textOf(message));
      check(task);
      const number = Buffer.alloc(4);
      number.writeUInt32BE(task.from);
      await session.send(Buffer.concat([number, stripe(task)]));
    }
  };
  const element = { policy: { type: 'least-used', load: 0 }, capacity: 8 };
  return serveUntilStopped(values, 'fractal', compute, { element });
}

export async function use(values, [file = 'fractal.png'] = []) {
  const { width, height } = { width: Number(values.width ?? 1024), height: Number(values.height ?? 768) };
  const view = { width, height, centre: [-0.7436, 0.1318], span: 0.01, steps: 1000 };
  const rows = 16;
  const pixels = new Uint8Array(width * height);
  const stripes = Array.from({ length: Math.ceil(height / rows) }, (_, at) => at * rows);
  const user = poolUser(values);

  const worker = async () => {
    const session = await user.open(values.pool ?? 'fractal', { resend: 'unacknowledged', onEvent: tell });
    const answers = session[Symbol.asyncIterator]();
    for (let from = stripes.shift(); from !== undefined; from = stripes.shift()) {
      const task = { ...view, from, rows: Math.min(rows, height - from) };
      const number = await session.send(JSON.stringify(task));
      const { value } = await answers.next();
      session.acknowledge(number);
      pixels.set(value.subarray(4), Buffer.from(value).readUInt32BE(0) * width);
    }
    session.close();
  };
  await Promise.all(Array.from({ length: Number(values.sessions ?? 4) }, worker));
  user.close();

  const palette = Uint8Array.from({ length: 768 }, (_, at) => {
    const colour = Math.floor(at / 3);
    return colour === 0 ? 0 : 128 + 127 * Math.sin(colour * 0.12 + (at % 3) * 2);
  });
  writeFileSync(file, png(width, height, pixels, palette));
  console.log(`${file}: ${width} x ${height}`);
}

const options = { width: { type: 'string' }, height: { type: 'string' }, sessions: { type: 'string' } };
await main(import.meta.url, { serve, use, options });

// SPDX-License-Identifier: Apache-2.0
// Runs one scenario inside the machine: node inside.mjs SCENARIO FOLDER RSPLIB. `run.mjs` starts it.
import { World } from './lib/world.mjs';

const [name, folder, rsplib] = process.argv.slice(2);
const { scenario } = await import(`./scenarios/${name}.mjs`);
const world = new World(folder, JSON.parse(rsplib));
let fault;
try {
  await world.capture();
  await scenario.run(world);
} catch (error) {
  fault = error;
}
await world.endCapture();
const { passed } = world.finish(fault);
process.exit(passed ? 0 : 1);

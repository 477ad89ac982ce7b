// SPDX-License-Identifier: Apache-2.0
// Begins calls at every instance in turn, then asks all of them how many there are until they agree, and prints what it saw:
//
//     node probe.mjs --count 3000 http://10.77.0.101:8080 http://10.77.0.102:8080 http://10.77.0.103:8080
//
// `refused` and `unanswered` calls are no fault of the count: the first were not made, of the second nobody knows. It fails where an instance
// shows less than was answered, or more than was asked.
import { parseArgs } from 'node:util';

const { values, positionals: instances } = parseArgs({
  options: { count: { type: 'string', default: '300' }, customer: { type: 'string', default: 'anna' } },
  allowPositionals: true,
});
const within = () => AbortSignal.timeout(2_000);
const shown = async (instance) => {
  const counted = await fetch(`${instance}/calls`, { signal: within() }).then((answer) => answer.json());
  return counted[values.customer] ?? 0;
};
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

const before = Math.max(...(await Promise.all(instances.map(shown))));
const told = { begun: 0, refused: 0, unanswered: 0 };
for (let asked = 0; asked < Number(values.count); asked += 1) {
  const instance = instances[asked % instances.length];
  const status = await fetch(`${instance}/calls/${values.customer}`, { method: 'POST', signal: within() })
    .then(async (answer) => (await answer.text(), answer.status))
    .catch(() => 0);
  told[status === 200 ? 'begun' : status === 429 ? 'refused' : 'unanswered'] += 1;
}
const since = performance.now();
let all = [];
while (performance.now() - since < 30_000) {
  all = await Promise.all(instances.map((instance) => shown(instance).catch(() => null)));
  if (all.every((each) => each !== null && each === all[0]) && all[0] >= before + told.begun) break;
  await pause();
}
const isRight = all.every(
  (each) => each >= before + told.begun && each <= before + told.begun + told.unanswered,
);
console.log(
  JSON.stringify({
    before,
    ...told,
    shown: all,
    agreedAfterMs: Math.round(performance.now() - since),
    isRight,
  }),
);
process.exitCode = isRight ? 0 : 1;

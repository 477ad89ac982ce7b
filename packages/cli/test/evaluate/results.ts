// SPDX-License-Identifier: Apache-2.0
import type { Evaluation, MechanismResult, Spread } from '@vnfpool/daemons/evaluate';

const spread = (p50: number, p99: number, most = p99): Spread => ({ p50, p99, most, samples: 100 });

const none: MechanismResult = {
  name: 'none',
  method: 'none',
  standbys: 1,
  loses: 'everything',
  survivesAll: false,
  needs: null,
  sharing: 'method: [none]',
  runs: 3,
  updates: 30_000,
  answerMs: spread(0.2, 3),
  readMs: null,
  addedMs: { p50: 0, p99: 0 },
  lagMs: null,
  lagUpdates: null,
  octetsPerUpdate: { wire: 0, file: 0 },
  cpuUsPerUpdate: { holder: 40, standbys: 0, added: 0 },
  lost: { letOut: spread(12_000, 12_500), keys: spread(9_000, 9_000), unanswered: spread(10, 12) },
  recoveryMs: spread(13.1, 20),
  wholeMs: spread(13.2, 20),
  refused: 0,
  events: {},
};

const held: MechanismResult = {
  ...none,
  name: 'replicate held',
  method: 'replicate',
  loses: 'nothing',
  sharing: 'method: [replicate]\nloss: 0',
  answerMs: spread(2.4, 11.2),
  readMs: spread(0.3, 4),
  addedMs: { p50: 2.2, p99: -0.3 },
  lagMs: spread(1.2, 2.5),
  lagUpdates: spread(3, 20),
  octetsPerUpdate: { wire: 72.4, file: 0 },
  cpuUsPerUpdate: { holder: 97, standbys: 61, added: 118 },
  lost: { letOut: spread(0, 0), keys: spread(0, 0), unanswered: spread(9, 30) },
  recoveryMs: spread(26.9, 102),
  wholeMs: spread(27, 102),
  refused: 2,
  events: { 'the standby left the list: age': 1 },
};

const cookie: MechanismResult = {
  ...held,
  name: 'cookie',
  method: 'cookie',
  survivesAll: true,
  needs: 'users with RSerPool sessions',
  sharing: 'method: [cookie]\nloss: 0',
  wholeMs: spread(505, 600),
  refused: 0,
  events: {},
};

export const evaluation: Evaluation = {
  machine: { cores: 2, model: 'A <processor>', kernel: '6.18.0', node: '20.20.2', load: 1.25 },
  workload: 'nat: flows & more',
  runs: 3,
  measureMs: 5_000,
  delayMs: 1,
  results: [none, held, cookie],
  unfit: [{ name: 'gossip', reason: 'it carries values of at most 1024 octets, and here are some of 2004' }],
};

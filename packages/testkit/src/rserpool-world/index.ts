// SPDX-License-Identifier: Apache-2.0
export { AssociationEnd } from './association.ts';
export { type Bounds, boundsOf } from './bounds.ts';
export type { PlannedFault } from './faults.ts';
export { freshChecksum } from './fresh-checksum.ts';
export type { RserpoolMutation } from './mutation.ts';
export { RSERPOOL_MUTATIONS } from './mutations.ts';
export { drawPlan, type RserpoolPlan, type RserpoolWorldOptions } from './options.ts';
export { poolHandle } from './rserpool-world.ts';
export { type RserpoolWorldResult, runRserpoolWorld } from './run.ts';
export { describeRun, shrunk } from './shrink.ts';
export { World } from './world.ts';

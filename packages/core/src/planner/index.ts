// SPDX-License-Identifier: Apache-2.0
export type * from './actions.ts';
export {
  councilWeakness,
  councilWeaknesses,
  failoverWords,
  fatalMembers,
  warningsOf,
} from './council-losses.ts';
export { diff } from './diff.ts';
export { assignmentFingerprint, configurationOf, specificationOf, versionName } from './documents.ts';
export { refugeOf } from './escalation.ts';
export { explainPool } from './explain.ts';
export { fingerprint } from './fingerprint.ts';
export { type CouncilHearing, councilHearing, cutWords, type Listener } from './hearing.ts';
export * from './observed.ts';
export { plan } from './plan.ts';
export { type InstanceRole, rankingOf, rolesOf, slotsOf, standbysOf } from './roles.ts';
export type { ObservedSecrets } from './secrets-record.ts';
export { settlementAlone, settlementOf } from './sharing.ts';
export type { SharingRecord } from './sharing-record.ts';
export { instancesOf } from './surplus.ts';
export { staysAtNode, targetOf } from './target.ts';
export { isInGate, nextStep, type UpgradeStep, upgradeRules } from './upgrade.ts';
export * from './upgrade-record.ts';
export { nextWords } from './upgrade-words.ts';

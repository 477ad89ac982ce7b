// SPDX-License-Identifier: Apache-2.0
import type {
  FailoverRecord,
  FailoverStep,
  PassedOn,
  SlotCandidate,
  SlotRefusal,
  SlotState,
} from '@vnfpool/wire/mobility';
import type { NodeLeasesOutput } from '../lease/index.ts';

/** The taking of a slot in progress, and afterwards the slot held. */
export interface Holding {
  readonly granted: NodeLeasesOutput & { type: 'granted' };
  epoch: number;
  readonly steps: { name: FailoverStep; atMs: number }[];
  serving: boolean;
  /** The fence is being closed; `lost` follows. */
  closing: boolean;
  /** Moments at which the address is announced again: a neighbour may have lost the first ones. */
  announceAtMs: number[];
}

/** How the slot was taken by `node`; `wallOffsetMs` from its clock to the wall's. */
export function failoverRecord(
  { granted, epoch, steps }: Holding,
  node: number,
  wallOffsetMs: number,
): FailoverRecord {
  const { slot, cause, fencedBy, previous, functionId } = granted;
  return {
    id: `${slot}/${epoch}`,
    slot,
    epoch: String(epoch),
    from: previous ? { node: previous.node, functionId: previous.functionId } : null,
    to: { node, functionId },
    cause,
    fencedBy,
    steps: steps.map(({ name, atMs }) => ({ name, atMs: atMs + wallOffsetMs })),
  };
}

/** What there is to say of a slot beside who holds it; empty, or undefined: nothing. */
interface Words {
  readonly reason: string;
  readonly trouble: string;
  readonly refusal: SlotRefusal | undefined;
  readonly passedOn: PassedOn | undefined;
}

/** A slot as this node sees it: what it holds itself, else what it has heard. */
export function slotState(
  slot: string,
  node: number,
  holding: Holding | undefined,
  observed: (NodeLeasesOutput & { type: 'observed' }) | undefined,
  { reason, trouble, refusal, passedOn }: Words,
): SlotState {
  const plain = ({ node: at, functionId }: SlotCandidate): SlotCandidate => ({ node: at, functionId });
  const words = { reason, ...(trouble === '' ? {} : { trouble }), ...(refusal && { refusal }) };
  if (holding?.serving) {
    return {
      id: slot,
      state: 'holding',
      epoch: String(holding.epoch),
      holder: { node, functionId: holding.granted.functionId },
      candidates: (observed?.candidates ?? holding.granted.candidates).map(plain),
      ...words,
    };
  }
  const holder = observed?.holder ?? null;
  return {
    id: slot,
    state: observed?.state ?? 'free',
    epoch: String(observed?.epoch ?? 0),
    holder: holder && plain(holder),
    candidates: (observed?.candidates ?? []).map(plain),
    ...(passedOn && { passedOn }),
    ...(observed?.isReleased ? { isReleased: true } : {}),
    ...words,
  };
}

// SPDX-License-Identifier: Apache-2.0
import {
  type DestinationTestimony,
  judge,
  type SourceTestimony,
  type Verdict,
} from '@vnfpool/core/state-transfer';
import type { HandFunction, HandNode } from './node-table.ts';

/** Who has to be told how a transfer ended: by an order of the function, or by its end. */
export interface Judgement {
  readonly node: number;
  readonly functionId: number;
  /** Tells the transfer apart from others. */
  readonly transfer: string;
  readonly role: 'source' | 'destination';
  readonly verdict: Verdict;
  /** What is ordered: the function serves, or ends. */
  readonly order: 'add' | 'delete';
  /** For people. */
  readonly reason: string;
}

/** Transfers remembered; of one that was forgotten nothing is concluded. */
const TRANSFERS_MAX = 4_096;

/**
 * The manager as arbiter of moves whose outcome one end does not know: it passes on what the other end tells, and decides
 * nothing while that one is silent.
 */
export class Arbiter {
  /** Sources that have told of a transfer: only then does it mean something when they do not any more. */
  readonly #seen = new Set<string>();
  /** Judgements that were told. */
  readonly #told = new Set<string>();

  /** What has to be told now; each judgement once. */
  judge(nodes: readonly HandNode[]): Judgement[] {
    const found = nodes.flatMap((node) => node.functions.flatMap((each) => this.#look(node, each, nodes)));
    return found.filter((judgement) => {
      const { node, transfer, role, verdict } = judgement;
      return remember(this.#told, `${node} ${transfer} ${role} ${verdict}`);
    });
  }

  #look(node: HandNode, { functionId, report }: HandFunction, nodes: readonly HandNode[]): Judgement[] {
    const transfer = report?.transfer;
    if (!transfer) return [];
    const { role, mode, phase, peer, id } = transfer;
    const other = nodes.find((each) => each.nodeId === peer);
    const common = { node: node.nodeId, functionId, transfer: id, role };
    if (role === 'source') remember(this.#seen, id);
    if (role === 'source' && mode === 'move' && phase === 'doubt') {
      const at = destinationAt(other, functionId);
      const { source: verdict } = judge('doubt', at);
      const reason = `node ${peer} ${DESTINATION_TEXT[at]}`;
      const order = verdict === 'aborted' ? 'add' : 'delete';
      return verdict === null ? [] : [{ ...common, verdict, order, reason }];
    }
    // Only the state of a whole function: of sessions both ends own some.
    if (role === 'destination' && mode !== 'sessions' && phase === 'ready') {
      const at = sourceAt(other, functionId, this.#seen.has(id));
      const { destination: verdict } = judge(at, 'ready');
      const reason = `node ${peer} ${SOURCE_TEXT[at]}`;
      const order = verdict === 'aborted' ? 'delete' : 'add';
      return verdict === null ? [] : [{ ...common, verdict, order, reason }];
    }
    return [];
  }
}

/** True: it was not known. */
function remember(known: Set<string>, key: string): boolean {
  if (known.has(key)) return false;
  known.add(key);
  if (known.size > TRANSFERS_MAX) {
    for (const oldest of known) {
      known.delete(oldest);
      break;
    }
  }
  return true;
}

const DESTINATION_TEXT: Readonly<Record<DestinationTestimony, string>> = {
  open: 'lacks some of the state',
  ready: 'has all of the state',
  committed: 'serves',
  aborted: 'has given up',
  gone: 'does not run it',
  silent: 'is silent',
};

const SOURCE_TEXT: Readonly<Record<SourceTestimony, string>> = {
  transferring: 'sends',
  doubt: 'does not know',
  committed: 'has let go',
  aborted: 'serves on',
  gone: 'does not run it any more',
  silent: 'is silent',
};

/** What the destination of a move tells: the function has the same number there. */
function destinationAt(node: HandNode | undefined, functionId: number): DestinationTestimony {
  const there = functionAt(node, functionId);
  if (there === 'silent' || there === 'gone') return there;
  const transfer = there.report?.transfer;
  if (transfer?.role === 'destination')
    return transfer.phase === 'ready' ? 'ready' : testified(transfer.phase);
  return there.status === 'Running' ? 'committed' : 'silent';
}

function testified(phase: string): DestinationTestimony {
  if (phase === 'committed' || phase === 'aborted') return phase;
  // Between two of its states it may become either.
  return phase === 'activating' || phase === 'discarding' ? 'silent' : 'open';
}

function sourceAt(node: HandNode | undefined, functionId: number, wasSeen: boolean): SourceTestimony {
  const there = functionAt(node, functionId);
  if (there === 'silent' || there === 'gone') return there;
  const transfer = there.report?.transfer;
  if (transfer?.role !== 'source') return there.status === 'Running' && wasSeen ? 'aborted' : 'silent';
  const { phase } = transfer;
  return phase === 'doubt' || phase === 'committed' || phase === 'aborted' ? phase : 'transferring';
}

/** Silence is not gone: only a node that answers, and has told all that it runs, does not run a function. */
function functionAt(node: HandNode | undefined, functionId: number): HandFunction | 'silent' | 'gone' {
  if (node?.state !== 'registered' || !node.isHeard) return 'silent';
  return node.functions.find((each) => each.functionId === functionId) ?? 'gone';
}

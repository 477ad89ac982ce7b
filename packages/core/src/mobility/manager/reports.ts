// SPDX-License-Identifier: Apache-2.0
import {
  type Ack,
  type FunctionPart,
  type FunctionReport,
  type MobilityMessage,
  parseFunctionReport,
  parseLeaseEndpoint,
  parseSlotReport,
  parseStateAnswer,
  type StateAnswer,
  type StatusUpdate,
} from '@vnfpool/wire/mobility';
import { type FunctionId, functionId } from '../../identity.ts';
import type { MobilityManagerOutput } from '../types.ts';
import { isSameList } from '../unchanged.ts';
import type { ManagedNode } from './managed-node.ts';

/** What a STATUS-UPDATE tells. Throws `WireError` when a document in it does not parse. */
export function reportsOfUpdate(node: ManagedNode, message: StatusUpdate): MobilityManagerOutput[] {
  return [
    ...movedReport(node, message),
    ...informationReport(node, message),
    ...slotReports(node, message),
    ...functionParts(message).flatMap((part) => {
      const each = told(part);
      // A plain peer has no other word for "gone" than Unknown.
      return functionReports(node, each, each.isGone || node.instance === null);
    }),
  ];
}

/** What an ACK tells besides how the operation ended, of `functions`, which are its own. Throws `WireError`. */
export function reportsOfAck(
  node: ManagedNode,
  ack: Ack,
  functions: readonly ToldFunction[],
  deletes: boolean,
): MobilityManagerOutput[] {
  if (ack.code >= 128) return slotReports(node, ack);
  return [
    ...slotReports(node, ack),
    ...functions.flatMap((each) => functionReports(node, each, deletes || each.isGone)),
  ];
}

export function functionParts(message: MobilityMessage): FunctionPart[] {
  return message.nodes.flatMap((node) => node.functions ?? []).filter((part) => part.id !== 0);
}

/** A function as a message tells of it. */
export interface ToldFunction {
  readonly functionId: FunctionId;
  readonly information: NonNullable<FunctionPart['information']>;
  readonly report: FunctionReport | null;
  /** For people; empty: none. */
  readonly reason: string;
  /** The node says that it is not there any more. */
  readonly isGone: boolean;
}

/** All functions that an ACK tells of. Throws `WireError`. */
export function functionsOf(ack: Ack): ToldFunction[] {
  return functionParts(ack).map(told);
}

function told(part: FunctionPart): ToldFunction {
  const octets = part.extensions?.functionReport;
  const report = octets === undefined ? null : parseFunctionReport(octets);
  const information = part.information ?? {};
  return {
    functionId: functionId(part.id),
    information,
    report,
    reason: part.text ?? report?.reason ?? '',
    isGone: part.extensions?.functionGone === part.id,
  };
}

function functionReports(
  node: ManagedNode,
  { functionId: id, information, report, reason }: ToldFunction,
  unknownIsGone: boolean,
): MobilityManagerOutput[] {
  const { status } = information;
  if (status === undefined) return [];
  return [
    {
      type: 'function-status',
      node: node.identity.node,
      functionId: id,
      status,
      gone: status === 'Unknown' && unknownIsGone,
      report,
      information,
      reason,
    },
  ];
}

function slotReports(node: ManagedNode, message: MobilityMessage): MobilityManagerOutput[] {
  const octets = message.nodes[0]?.extensions?.slotReport;
  if (octets === undefined) return [];
  return [{ type: 'slot-report', node: node.identity.node, report: parseSlotReport(octets) }];
}

/** How many sessions an ACK to MOVE_SESSION says were selected; null: it does not. */
export function sessionsOf(ack: Ack): bigint | null {
  for (const { sessions = [] } of ack.nodes) {
    for (const session of sessions) if (session.type === 'count') return session.count;
  }
  return null;
}

/** What an ACK says of the state of a slot; null: nothing. Throws `WireError`. */
export function stateAnswerOf({ nodes }: Ack): StateAnswer | null {
  for (const { functions = [] } of nodes)
    for (const { extensions } of functions)
      if (extensions?.stateAnswer) return parseStateAnswer(extensions.stateAnswer);
  return null;
}

function informationReport(node: ManagedNode, message: StatusUpdate): MobilityManagerOutput[] {
  const information = message.nodes[0]?.information;
  if (information === undefined) return [];
  return [{ type: 'node-information', node: node.identity.node, information }];
}

function movedReport(node: ManagedNode, message: StatusUpdate): MobilityManagerOutput[] {
  const part = message.nodes[0];
  const addresses = part?.addresses;
  const octets = part?.extensions?.leaseEndpoint;
  const statePort = part?.ports?.[0] ?? null;
  if (addresses === undefined) return [];
  if (isSameList(addresses, node.addresses) && octets === undefined && statePort === null) return [];
  const leaseEndpoint = octets === undefined ? null : parseLeaseEndpoint(octets);
  return [{ type: 'node-moved', node: node.identity.node, addresses, statePort, leaseEndpoint }];
}

// SPDX-License-Identifier: Apache-2.0
import { AttributeReader } from '../netlink/attribute-reader.ts';
import { readText } from '../netlink/message.ts';
import type { MessageWriter } from '../netlink/message-writer.ts';
import type { ConntrackTuple } from './entry.ts';
import * as n from './numbers.ts';
import { parseTuple } from './parse.ts';
import { writeTuple } from './request.ts';

/** struct nfgenmsg: family 1, version 1, resource id 2. */
const FAMILY_HEADER_BYTES = 4;
const DIRECTION_REPLY = 1;

/**
 * A connection that a helper expects, as an announcement of another named it. The shape is that of the flow state that nodes
 * exchange.
 */
export interface ConntrackExpectation {
  /** The connection that announced it. */
  readonly master: ConntrackTuple;
  /** What its first packet will look like, as far as `mask` has bits set. */
  readonly tuple: ConntrackTuple;
  readonly mask: ConntrackTuple;
  /** Time left. */
  readonly timeoutSeconds: number;
  /** 1 stays when it was met, 2 inactive, 4 of a program. */
  readonly flags: number;
  readonly class: number;
  /** The kernel does not say it: 0 in what it tells. */
  readonly zone: number;
  readonly helper: string | null;
  readonly translation: { readonly isReply: boolean; readonly tuple: ConntrackTuple } | null;
  /** The kernel's function that is called when it begins. */
  readonly function: string | null;
}

/** What names an expectation. */
export type ExpectationKey = Pick<ConntrackExpectation, 'tuple' | 'zone'>;

/** The expectation in a message of the kernel; undefined when it names none. */
export function parseExpectation(body: Uint8Array): ConntrackExpectation | undefined {
  const attributes = new AttributeReader(body, FAMILY_HEADER_BYTES);
  let master: ConntrackTuple | undefined;
  let tuple: ConntrackTuple | undefined;
  let mask: ConntrackTuple | undefined;
  let translation: ConntrackExpectation['translation'] = null;
  let [timeoutSeconds, flags, group, zone] = [0, 0, 0, 0];
  let [helper, name] = ['', ''];
  while (attributes.next()) {
    switch (attributes.type) {
      case n.CTA_EXPECT_MASTER:
        master = parseTuple(attributes.inside())?.tuple;
        break;
      case n.CTA_EXPECT_TUPLE:
        tuple = parseTuple(attributes.inside())?.tuple;
        break;
      case n.CTA_EXPECT_MASK:
        mask = parseTuple(attributes.inside())?.tuple;
        break;
      case n.CTA_EXPECT_TIMEOUT:
        timeoutSeconds = attributes.u32();
        break;
      case n.CTA_EXPECT_FLAGS:
        flags = attributes.u32();
        break;
      case n.CTA_EXPECT_CLASS:
        group = attributes.u32();
        break;
      case n.CTA_EXPECT_ZONE:
        zone = attributes.u16();
        break;
      case n.CTA_EXPECT_HELP_NAME:
        helper = readText(attributes.bytes());
        break;
      case n.CTA_EXPECT_FN:
        name = readText(attributes.bytes());
        break;
      case n.CTA_EXPECT_NAT:
        translation = parseTranslation(attributes.inside());
        break;
    }
  }
  if (master === undefined || tuple === undefined || mask === undefined) return undefined;
  return {
    master,
    tuple,
    mask,
    timeoutSeconds,
    flags,
    class: group,
    zone,
    translation,
    helper: helper === '' ? null : helper,
    function: name === '' ? null : name,
  };
}

function parseTranslation(attributes: AttributeReader): ConntrackExpectation['translation'] {
  let isReply = false;
  let tuple: ConntrackTuple | undefined;
  while (attributes.next()) {
    if (attributes.type === n.CTA_EXPECT_NAT_DIR) isReply = attributes.u32() === DIRECTION_REPLY;
    else if (attributes.type === n.CTA_EXPECT_NAT_TUPLE) tuple = parseTuple(attributes.inside())?.tuple;
  }
  return tuple === undefined ? null : { isReply, tuple };
}

/** What finds an expectation: no two have the same tuple in a zone. */
export function writeExpectationKey(writer: MessageWriter, { tuple, zone }: ExpectationKey): void {
  writeTuple(writer, n.CTA_EXPECT_TUPLE, tuple);
  if (zone > 0) writer.u16(n.CTA_EXPECT_ZONE, zone);
}

/** How long one that is there is to last. The kernel gives a new one the time that its helper gives, whatever is said. */
export function writeExpectationTime(writer: MessageWriter, expectation: ConntrackExpectation): void {
  writeTuple(writer, n.CTA_EXPECT_MASTER, expectation.master);
  writeTuple(writer, n.CTA_EXPECT_MASK, expectation.mask);
  writeExpectationKey(writer, expectation);
  writer.u32(n.CTA_EXPECT_TIMEOUT, timeoutOf(expectation));
}

/** 0 would be gone at once. */
function timeoutOf({ timeoutSeconds }: ConntrackExpectation): number {
  return Math.max(1, timeoutSeconds);
}

/** One that is to be made; its master has to be there. */
export function writeExpectation(writer: MessageWriter, expectation: ConntrackExpectation): void {
  const { master, tuple, mask, translation, helper, function: name, zone } = expectation;
  writeTuple(writer, n.CTA_EXPECT_MASTER, master);
  writeTuple(writer, n.CTA_EXPECT_TUPLE, tuple);
  writeTuple(writer, n.CTA_EXPECT_MASK, mask);
  writer.u32(n.CTA_EXPECT_TIMEOUT, timeoutOf(expectation));
  writer.u32(n.CTA_EXPECT_FLAGS, expectation.flags);
  writer.u32(n.CTA_EXPECT_CLASS, expectation.class);
  if (zone > 0) writer.u16(n.CTA_EXPECT_ZONE, zone);
  if (helper !== null) writer.text(n.CTA_EXPECT_HELP_NAME, helper);
  if (name !== null) writer.text(n.CTA_EXPECT_FN, name);
  if (translation === null) return;
  const start = writer.begin(n.CTA_EXPECT_NAT);
  writer.u32(n.CTA_EXPECT_NAT_DIR, translation.isReply ? DIRECTION_REPLY : 0);
  writeTuple(writer, n.CTA_EXPECT_NAT_TUPLE, translation.tuple);
  writer.end(start);
}

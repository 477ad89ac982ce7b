// SPDX-License-Identifier: Apache-2.0
import { CliError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { isLinkKnown } from './carried.ts';
import { type CapturedPacket, CaptureError, readPcap } from './pcap.ts';
import { piecesOf } from './pieces.ts';

/** What programs keep of a packet when they are told to keep all of it. */
const PACKET_BYTES_MAX = 262_144;

/**
 * Does every packet of a capture file. `act` says whether it could; null: the packet is not of interest.
 * @throws CliError 1 at the end when it could not with some, or at once when it is no capture that is read here
 */
export async function eachPacket(
  file: string,
  io: CliIo,
  act: (packet: CapturedPacket) => boolean | null,
): Promise<void> {
  let packets = 0;
  let done = 0;
  let bad = 0;
  for await (const packet of packetsOf(file, io)) {
    if (io.signal.aborted) return;
    packets += 1;
    const isGood = act(packet);
    if (isGood === null) continue;
    done += 1;
    if (!isGood) bad += 1;
    await io.drained();
  }
  if (bad > 0)
    throw new CliError(1, `${bad} of ${done} ${done === 1 ? 'packet is' : 'packets are'} not a message`);
  // A wrong file would look like one in which nothing is wrong.
  if (done === 0) io.err(`vnfpool: ${file}: none of ${packets} packets has such a message\n`);
}

async function* packetsOf(file: string, io: CliIo): AsyncGenerator<CapturedPacket, void, undefined> {
  try {
    for await (const packet of readPcap(piecesOf(file, io), PACKET_BYTES_MAX)) {
      if ('linkType' in packet && !isLinkKnown(packet.linkType))
        throw new CaptureError(`link type ${packet.linkType} is not read`);
      yield packet;
    }
  } catch (error) {
    if (error instanceof CaptureError) throw new CliError(1, `${file}: ${error.message}`);
    throw error;
  }
}

// SPDX-License-Identifier: Apache-2.0
// What Wireshark's dissectors, another reading of the same standards, say to the messages in a capture.
import { spawnSync } from 'node:child_process';

const fields = [
  'frame.number',
  'ip.src',
  '_ws.col.Info',
  'asap.message_type',
  'enrp.message_type',
  '_ws.malformed',
  '_ws.expert.severity',
  '_ws.expert.message',
];
const separator = '\x1f';

/**
 * @param ours Addresses of our side
 * @returns { counts, faults: { ours, theirs } }: messages by sender and type; frames that do not dissect cleanly
 */
export function dissect({ program, env }, capture, ours) {
  const done = spawnSync(
    program,
    [
      '-n',
      '-r',
      capture,
      '-Y',
      'asap || enrp',
      '-T',
      'fields',
      '-E',
      `separator=${separator}`,
      ...fields.flatMap((name) => ['-e', name]),
    ],
    { encoding: 'utf8', env: { ...process.env, ...env }, maxBuffer: 256 * 1024 * 1024 },
  );
  if (done.status !== 0) throw new Error(`tshark: ${done.stderr}`);
  const counts = { ours: {}, theirs: {} };
  const faults = { ours: [], theirs: [] };
  for (const line of done.stdout.split('\n')) {
    if (line === '') continue;
    const [frame, source, info, asap, enrp, malformed, severity, message] = line.split(separator);
    const side = ours.includes(source) ? 'ours' : 'theirs';
    for (const [protocol, types] of [
      ['ASAP', asap],
      ['ENRP', enrp],
    ]) {
      for (const type of types.split(',').filter((text) => text !== '')) {
        const name = `${protocol} 0x${Number(type).toString(16).padStart(2, '0')}`;
        counts[side][name] = (counts[side][name] ?? 0) + 1;
      }
    }
    // The SCTP dissector remarks on retransmissions and the like: those say nothing about a message.
    const remarks = message
      .split(',')
      .filter((text) => text !== '' && !/SCTP|retransmi|TSN|chunk/i.test(text));
    if (malformed !== '' || (severity !== '' && remarks.length > 0))
      faults[side].push({ frame: Number(frame), source, info, what: malformed || remarks.join('; ') });
  }
  return { counts, faults };
}

// SPDX-License-Identifier: Apache-2.0

/** As many sessions of a proxy: what it has to know of a call, some 300 octets each as JSON. */
export function* sessionsOf(count) {
  for (let at = 0; at < count; at += 1) {
    const number = String(at).padStart(7, '0');
    yield [
      `call-${number}@198.51.100.7`,
      {
        from: `sip:caller${number}@example.com`,
        to: `sip:called${number}@example.com`,
        tags: [`a${number}`, `b${number}`],
        contacts: [`sip:caller@203.0.113.${at % 250}:5060`, `sip:called@198.51.100.${at % 250}:5060`],
        route: ['<sip:192.0.2.10;lr>'],
        sequence: at,
        state: 'confirmed',
      },
    ];
  }
}

// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { askOf, explainSettlement, settle } from '@vnfpool/core/state-level';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { parseStateOffers } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { normalRedundancy, redundancySchema } from '../../src/declaration/redundancy.ts';
import { checkSharing, normalSharing, sharingSchema } from '../../src/declaration/sharing.ts';

/* The page shows an ask, what instances offer, and what comes of it: the first two are settled, and must give the third. */

const page = fileURLToPath(new URL('../../../../docs/state-sharing.md', import.meta.url));

interface Example {
  readonly title: string;
  readonly ask: string;
  readonly offers: string;
  readonly outcome: string;
}

const examples: readonly Example[] = readFileSync(page, 'utf8')
  .split(/^(?=#{2,4} )/m)
  .filter((section) => section.startsWith('### ') && section.includes('```json'))
  .map((section) => section.slice('### '.length))
  .map((section) => {
    const block = (language: string): string =>
      new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, 'm').exec(section)?.[1] ?? '';
    return {
      title: section.split('\n', 1)[0] ?? '',
      ask: block('yaml'),
      offers: block('json'),
      outcome: block('text'),
    };
  });

function settled({ ask, offers }: Example): string {
  const file = parse(ask) as { redundancy: unknown; addresses?: readonly string[]; sharing: unknown };
  const sharingFile = sharingSchema.parse(file.sharing);
  const { sharing } = normalSharing(sharingFile);
  const pool = {
    redundancy: normalRedundancy(redundancySchema.parse(file.redundancy)),
    addresses: file.addresses ?? [],
  };
  expect(checkSharing([], sharingFile, pool)).toEqual([]);
  if (sharing === undefined) throw new Error('the example asks for nothing');
  const instances = Object.entries(JSON.parse(offers) as Record<string, unknown>).map(
    ([instance, document]) => ({
      instance,
      levels: parseStateOffers(encodeUtf8(JSON.stringify(document))).levels,
    }),
  );
  return `${explainSettlement(settle(askOf(sharing, pool), instances), sharing)}\n`;
}

test('two examples are settled, and one is refused', () => {
  expect(examples.map(({ outcome }) => outcome.split(':', 1)[0])).toEqual(['used', 'used', 'refused']);
});

describe.each(examples)('$title', (example) => {
  test('comes out as the page says', () => {
    expect(settled(example)).toBe(example.outcome);
  });
});

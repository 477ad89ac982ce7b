// SPDX-License-Identifier: Apache-2.0

/** What a text means; only terminals show it. */
export type Tone = 'good' | 'warning' | 'bad' | 'faint' | 'strong';

const codes: Readonly<Record<Tone, string>> = {
  good: '32',
  warning: '33',
  bad: '31',
  faint: '2',
  strong: '1',
};

export type Paint = (tone: Tone | undefined, text: string) => string;

export function painter(colour: boolean): Paint {
  return (tone, text) => (colour && tone !== undefined ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text);
}

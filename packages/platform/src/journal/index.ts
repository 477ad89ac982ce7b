// SPDX-License-Identifier: Apache-2.0
export type { Journal } from '../interfaces.ts';
export type { FileJournal, JournalCodec, JournalOptions } from './file.ts';
export { openJournal } from './file.ts';

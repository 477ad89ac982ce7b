// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import type { Journal } from '../interfaces.ts';

/** A disk in memory: what journals opened on it append survives them. */
export class FakeDisk<Entry> {
  readonly entries: Entry[] = [];
  /** The next append fails with this, after which the journal takes no more. */
  failure: Error | undefined;

  /** Opens a journal that has restored what is on the disk. */
  open(): Journal<Entry> {
    const restored = [...this.entries];
    let state: 'open' | 'failed' | 'closed' = 'open';
    return {
      restored,
      append: (entries) => {
        if (state !== 'open') {
          const code = state === 'closed' ? 'CLOSED' : 'JOURNAL_FAILED';
          throw new PlatformError(code, `the journal is ${state}`, { call: 'journal append' });
        }
        if (this.failure !== undefined) {
          state = 'failed';
          const cause = this.failure;
          throw new PlatformError('JOURNAL_FAILED', cause.message, { call: 'journal append', cause });
        }
        this.entries.push(...entries);
      },
      close: () => {
        state = 'closed';
      },
    };
  }
}

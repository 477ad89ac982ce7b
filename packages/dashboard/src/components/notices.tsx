// SPDX-License-Identifier: Apache-2.0
import type { JSX } from 'preact';
import type { Tone } from './badge.tsx';
import { Icon, type IconName } from './icon.tsx';
import type { Notices } from './use-notices.ts';

/** Results, refusals and failovers, read out as they come. The region is always there: one that appears later is not heard. */
export function NoticeStack({ notices }: { readonly notices: Notices }): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite" aria-label="Latest news">
      {notices.items.map((notice) => (
        <div key={notice.key} class={`notice tone-${notice.tone}`}>
          <Icon name={icons[notice.tone]} />
          <p>{notice.text}</p>
          <button
            type="button"
            class="quiet"
            onClick={() => notices.dismiss(notice.key)}
            aria-label="Dismiss"
          >
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
              <path d="M3.5 3.5l9 9M12.5 3.5l-9 9" fill="none" stroke="currentColor" stroke-width="1.8" />
            </svg>
          </button>
        </div>
      ))}
    </div>
  );
}

const icons: Readonly<Record<Tone, IconName>> = {
  good: 'good',
  warning: 'warning',
  bad: 'bad',
  quiet: 'info',
  accent: 'active',
};

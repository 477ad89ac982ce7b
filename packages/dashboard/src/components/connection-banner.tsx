// SPDX-License-Identifier: Apache-2.0
import type { JSX } from 'preact';
import type { LiveStatus } from '../api/live.ts';
import { formatClock } from '../model/format.ts';
import { Icon } from './icon.tsx';

interface ConnectionBannerProps {
  readonly status: LiveStatus;
  /** Time of the last state, by the server's clock; null: none came yet. */
  readonly lastAt: number | null;
  readonly onRetry: () => void;
}

/** Says that the page is not live; what it shows below is then a picture of the past. */
export function ConnectionBanner({ status, lastAt, onRetry }: ConnectionBannerProps): JSX.Element {
  return (
    <div role="alert" class="connection">
      {status.kind === 'lost' && (
        <div class="connection-lost tone-warning">
          <Icon name="warning" />
          <p>
            <strong>Connection lost, trying again.</strong> Reason: {status.why}.{' '}
            {lastAt !== null && <>What you see is from {formatClock(lastAt).slice(0, 8)}. </>}
            The pools do not need this page, nor the manager, to fail over.
          </p>
          <button type="button" class="action" onClick={onRetry}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}

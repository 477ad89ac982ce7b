// SPDX-License-Identifier: Apache-2.0
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

interface ActionButtonProps {
  readonly label: string;
  /** What it acts on: `node-a`. Read out after the label. */
  readonly target: string;
  readonly tone?: 'danger' | 'plain';
  /** Why it cannot be pressed now. The button keeps its focus and says so. */
  readonly blocked?: string | undefined;
  readonly onPress: () => Promise<void>;
}

/** A button for a request. It stays focusable while it runs or is blocked, so the keyboard never loses its place. */
export function ActionButton({
  label,
  target,
  tone = 'plain',
  blocked,
  onPress,
}: ActionButtonProps): JSX.Element {
  const [busy, setBusy] = useState(false);
  const press = (): void => {
    if (busy || blocked !== undefined) return;
    setBusy(true);
    void onPress().finally(() => setBusy(false));
  };
  return (
    <button
      type="button"
      class={`action action-${tone}`}
      aria-label={`${label} ${target}`}
      aria-disabled={busy || blocked !== undefined}
      aria-busy={busy}
      title={blocked}
      onClick={press}
    >
      {label}
    </button>
  );
}

// SPDX-License-Identifier: Apache-2.0
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface TokenFormProps {
  readonly refused: boolean;
  readonly onToken: (token: string) => void;
}

export function TokenForm({ refused, onToken }: TokenFormProps): JSX.Element {
  const [text, setText] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <main class="token-page" id="main">
      <h1>vnfpool</h1>
      <h2>{refused ? 'The manager does not accept this token' : 'This page needs a token'}</h2>
      <p role={refused ? 'alert' : undefined}>
        {refused
          ? 'It may belong to another set, or the set was started anew and has a new token.'
          : 'Whoever holds the token may look at the set and change it, so the page cannot be opened without.'}
      </p>
      <p>
        The command that started the set printed a link to this page that carries the token. Open that link,
        or paste the token here. It stays in this browser tab only.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') onToken(text.trim());
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          ref={field}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          required
        />
        <button type="submit" class="action action-primary">
          Open
        </button>
      </form>
    </main>
  );
}

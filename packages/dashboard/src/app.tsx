// SPDX-License-Identifier: Apache-2.0
import type { JSX } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { storeToken, takeToken } from './api/token.ts';
import { SetPage } from './components/set-page.tsx';
import { TokenForm } from './components/token-form.tsx';

export function App(): JSX.Element {
  const [token, setToken] = useState<string | null>(() => takeToken(globalThis.window));
  const [refused, setRefused] = useState(false);

  useEffect(() => {
    // A link with a token that is opened in this tab only changes the fragment.
    const changed = (): void => {
      setToken(takeToken(globalThis.window));
      setRefused(false);
    };
    globalThis.addEventListener('hashchange', changed);
    return () => globalThis.removeEventListener('hashchange', changed);
  }, []);

  const refuse = useCallback(() => setRefused(true), []);
  const accept = useCallback((entered: string) => {
    storeToken(globalThis.window, entered);
    setToken(entered);
    setRefused(false);
  }, []);

  if (token === null || refused) return <TokenForm refused={refused} onToken={accept} />;
  return <SetPage key={token} token={token} onRefused={refuse} />;
}

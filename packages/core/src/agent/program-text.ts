// SPDX-License-Identifier: Apache-2.0
import type { FunctionSpecification } from '@vnfpool/wire/mobility';

/** All of a specification that only another process can follow: how it registers and how it is ended the agent alone has to know. */
export function programText({
  registration: _registration,
  stop: _stop,
  ...rest
}: FunctionSpecification): string {
  return JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
}

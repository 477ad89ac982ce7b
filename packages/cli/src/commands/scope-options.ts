// SPDX-License-Identifier: Apache-2.0
import { EndpointError, parseEndpoint, type ScopeEndpoint } from '@vnfpool/runtime/endpoint';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** How a command knows the scope it is in, and how the scope's members know each other. */
export interface ScopeOptions {
  readonly open?: boolean;
  readonly security?: string;
  readonly profile: 'rfc' | 'rsplib';
}

/** Adds `--open`, `--security` and `--profile`. */
export function withScope(command: Command): Command {
  return command
    .addOption(
      new Option('--open', 'nobody is authenticated: for closed networks and trials').conflicts('security'),
    )
    .option('--security <file>', 'who may do what, and how that is proven: certificates or shared keys')
    .addOption(
      new Option('--profile <profile>', 'rfc: by the letter; rsplib: a scope shared with rsplib')
        .choices(['rfc', 'rsplib'])
        .default('rfc'),
    );
}

/** An option that takes an endpoint, and may be given several times. */
export function endpointOption(flags: string, description: string, protocol: 'asap' | 'enrp'): Option {
  return new Option(flags, description).argParser((text, before: readonly ScopeEndpoint[] | undefined) => {
    try {
      return [...(before ?? []), parseEndpoint(text, protocol)];
    } catch (error) {
      if (error instanceof EndpointError) throw new InvalidArgumentError(`${error.message}.`);
      throw error;
    }
  });
}

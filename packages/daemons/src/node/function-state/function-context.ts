// SPDX-License-Identifier: Apache-2.0

/** How a function sees and reaches what is ours, where it does not live as we do. */
export interface FunctionContext {
  /** Where it finds the folder that we share with it; absolute. */
  readonly seenAt: string;
  /** Whose that folder must be; null: root's, as it is. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** Where a command of the function runs: beside it. */
  enter(command: readonly string[], environment: Readonly<Record<string, string>>): Entered;
}

/** A command that runs another one where the function is. */
export interface Entered {
  readonly command: readonly string[];
  /** Ends what the other one started: it is no child of ours. To be called when the command is over, or shall be. */
  end(): void;
}

// SPDX-License-Identifier: Apache-2.0

/** Absolute path of the folder with the built page: `index.html` and `assets/`. It exists only after a build. */
export declare const distPath: string;

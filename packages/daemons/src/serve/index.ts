// SPDX-License-Identifier: Apache-2.0
export { type Serving, serve } from './serve.ts';

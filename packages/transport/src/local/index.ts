// SPDX-License-Identifier: Apache-2.0
export * from './octet-reader.ts';
export * from './write-together.ts';

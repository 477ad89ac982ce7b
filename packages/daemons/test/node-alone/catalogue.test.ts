// SPDX-License-Identifier: Apache-2.0
import { encodeFunctionSpecification, type FunctionSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { chooseProgram } from '../../src/node-alone/catalogue.ts';

const hss: FunctionSpecification = { v: 1, kind: 'process', command: ['/bin/hss'] };
const hssOctets = encodeFunctionSpecification(hss);
const catalogue = new Map([['HSS', hss]]);
const brought = { specification: hss, specificationOctets: hssOctets };
const none = { specification: null, specificationOctets: null };

describe('with a catalogue', () => {
  test('a name chooses a program; the same name is the same specification', () => {
    expect(chooseProgram(catalogue, { name: 'HSS', ...none })).toEqual(brought);
    expect(chooseProgram(catalogue, { name: 'HSS', ...none })).toEqual(
      chooseProgram(catalogue, { name: 'HSS', ...none }),
    );
  });

  test.each(['hss', '', 'toString'])('%j is not in it', (name) => {
    expect(chooseProgram(catalogue, { name, ...none })).toMatchObject({ code: 128, error: 6 });
  });

  test('nothing else is run, not even under a name that it has', () => {
    for (const name of ['HSS', null])
      expect(chooseProgram(catalogue, { name, ...brought })).toMatchObject({ code: 130, error: 6 });
  });

  test('neither a name nor a specification is about what runs', () => {
    expect(chooseProgram(catalogue, { name: null, ...none })).toEqual(none);
  });
});

describe('without', () => {
  test('what is brought along is run', () => {
    expect(chooseProgram(null, { name: 'HSS', ...brought })).toEqual(brought);
  });

  test('a name alone says nothing', () => {
    expect(chooseProgram(null, { name: 'HSS', ...none })).toMatchObject({ code: 128, error: 6 });
  });
});

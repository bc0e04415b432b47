/** Integers as the contract has them in paths, queries and variables. */

export const MOST_ID = 2_147_483_647;

/** The integer that one to ten digits stand for, if it lies in the range. Number() alone would take signs and more. */
export function integerOf(text: string, least: number, most: number): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) {
    return undefined;
  }
  const value = Number(text);
  return least <= value && value <= most ? value : undefined;
}

import type { LabelDefinition } from '../../contracts/label-definition.ts'
import { parseBoolean, parseDecimal, readNumber, readText, refuse } from './read-scalar.ts'

/** The part of a label's definition that says what its values are. */
export type LabelType = Pick<LabelDefinition, 'name' | 'type' | 'categories'>

/** The label definitions of the gateway, by name. */
export type LabelDefinitions = ReadonlyMap<string, LabelType>

/**
 * A cell of the column value_number as the label's type has it: `true` is 1 only where the label is binary. Ranges and lists of
 * categories are the gateway's to judge, which keeps what breaks them as a reject.
 */
export function readValueNumber(value: unknown, { name, type }: LabelType): number {
  if (type === 'number') return readNumber(value, `is no number, and ${name} is a number label`)
  if (type === 'category') return readDigits(value, name)
  const boolean = parseBoolean(value)
  if (boolean !== undefined) return Number(boolean)
  return readNumber(value, `is none of 0, 1, true and false, and ${name} is a binary label`)
}

/** A cell of the column value_text: a category; one of digits also where a tool wrote it as a float, 1.0 for 1. */
export function readValueText(value: unknown, { name, type, categories = [] }: LabelType): unknown {
  if (type !== 'category') refuse(`${name} is a ${type} label and takes value_number`)
  const text = readText(value)
  if (typeof text !== 'string' || categories.includes(text)) return text
  const digits = String(parseDecimal(text))
  return categories.includes(digits) ? digits : text
}

function readDigits(value: unknown, name: string): number {
  const number = readNumber(value, `is no number, and ${name} is a category label: write it as value_text`)
  if (Number.isInteger(number) && !Number.isSafeInteger(number))
    refuse('is a number of more digits than a double holds: write it as value_text')
  return number
}

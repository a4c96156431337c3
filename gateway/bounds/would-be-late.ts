import { ServiceError } from '../../contracts/errors.ts'

/** An `overloaded` whose answer would come after the deadline, which is what a fallback is for, unlike a full queue. */
export class WouldBeLate extends ServiceError {
  constructor(message: string) {
    super('overloaded', message)
  }
}

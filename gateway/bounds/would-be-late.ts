import { ServiceError } from '../../contracts/errors.ts'

/** `overloaded` because the answer would come after the deadline: what a fallback is for, unlike a full queue. */
export class WouldBeLate extends ServiceError {
  constructor(message: string) {
    super('overloaded', message)
  }
}

import { ServiceError, type ErrorCode } from '../../contracts/errors.ts'

/** What is wrong with a tensor, said with its name. */
export function tensorFault(name: string, message: string, code: ErrorCode = 'invalid_request'): ServiceError {
  return new ServiceError(code, `tensor ${name.slice(0, 64)}: ${message}`, { path: 'inputs' })
}

export { AdctlError, type AdctlErrorOptions, type ErrorKind, EXIT_CODE_OF_KIND, EXIT_CODES, userError, WORKER_EXIT_CODES } from './errors.js';
export { Failure, fromFailure, toFailure } from './failure.js';

import { type Environment, parseEnvironment } from '@adctl/protocol';
import { OBJECT_VARIABLES, type ObjectPlace, objectRules, toObjectPlace, toS3Settings } from '@adctl/storage';
import type { S3Settings } from '@adctl/storage/s3';
import { z } from 'zod';

/**
 * A deployment's object store, in the variables that its controller and workers have.
 * @throws AdctlError user `bad_object_environment` listing every variable that is missing or wrong.
 */
export function objectPlace(variables: Environment = process.env): ObjectPlace {
  return toObjectPlace(parseObjectVariables(variables));
}

/**
 * How a bucket is reached, as those variables say (endpoint, region, path style), whatever bucket they name themselves.
 * @throws AdctlError as `objectPlace`.
 */
export function bucketSettings(bucket: string, variables: Environment = process.env): S3Settings {
  const parsed = parseObjectVariables({ ...variables, ADCTL_OBJECTS: 's3', ADCTL_S3_BUCKET: bucket });
  return { ...toS3Settings(parsed), prefix: undefined };
}

function parseObjectVariables(variables: Environment) {
  return parseEnvironment(variables, {
    schema: z.object(OBJECT_VARIABLES),
    rules: [objectRules],
    whose: 'the object store',
    code: 'bad_object_environment',
  });
}

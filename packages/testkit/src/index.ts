export { createToyImages, type ToyImages, type ToyOptions, type ToyShape } from './toy-images.js';

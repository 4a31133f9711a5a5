/** What the model's features tell: how unlike the training images an image is, and which type of image it is. */

import { decodeFloats } from "embedded";

const EPSILON = 1e-6; // keeps features of length 0 from dividing by zero

/** The distribution of the features of the training images; see `FeatureSpace` of the library. */
export class FeatureSpace {
  /** @param {object} stored from the parameters */
  constructor(stored) {
    this.mean = decodeFloats(stored.mean);
    this.directions = decodeFloats(stored.directions);
    this.components = stored.components;
    this.residual = stored.residual;
    this.outliers = stored.outliers && { weights: decodeFloats(stored.outliers.weights), bias: stored.outliers.bias };
    this.lengths = columnLengths(this.directions, this.components);
  }

  /**
   * Return the out-of-distribution score of an image.
   * @param {Float32Array} features
   * @returns {number} about 1 for training images
   */
  distance(features) {
    const unit = toUnit(features);
    const centred = unit.map((value, place) => value - this.mean[place]);
    const whitened = new Float64Array(this.components);
    centred.forEach((value, place) => {
      for (let each = 0; each < this.components; each += 1) {
        whitened[each] += value * this.directions[place * this.components + each];
      }
    });
    const projected = whitened.map((value, each) => value / this.lengths[each]);
    const mahalanobis = squared(whitened) / this.components;
    const residual = Math.max(squared(centred) - squared(projected), 0);
    const distance = Math.sqrt((mahalanobis + residual / this.residual ** 2) / 2);
    if (!this.outliers) return distance;
    return Math.max(distance, dot(unit, this.outliers.weights) + this.outliers.bias);
  }
}

/** Tells clinical photographs from dermoscopy; see `ImageTypeClassifier` of the library. */
export class ImageTypeClassifier {
  /** @param {{weights: string, bias: number}} stored from the parameters */
  constructor(stored) {
    this.weights = decodeFloats(stored.weights);
    this.bias = stored.bias;
  }

  /**
   * @param {Float32Array} features
   * @returns {{type: "dermoscopy"|"clinical", probability: number}} the probability is that of a clinical photograph
   */
  classify(features) {
    const length = Math.max(Math.sqrt(squared(features)), 1e-12);
    const score = dot(features, this.weights) / length + this.bias;
    return { type: score > 0 ? "clinical" : "dermoscopy", probability: 1 / (1 + Math.exp(-score)) };
  }
}

function toUnit(features) {
  const length = Math.max(Math.sqrt(squared(features)), EPSILON);
  return Float64Array.from(features, (value) => value / length);
}

function columnLengths(directions, columns) {
  const squares = new Float64Array(columns);
  directions.forEach((value, place) => {
    squares[place % columns] += value * value;
  });
  return squares.map(Math.sqrt);
}

function squared(values) {
  return dot(values, values);
}

function dot(first, second) {
  let total = 0;
  for (let place = 0; place < first.length; place += 1) total += first[place] * second[place];
  return total;
}

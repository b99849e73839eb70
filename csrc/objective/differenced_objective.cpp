#include "objective/differenced_objective.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "objective/block_rows.hpp"
#include "objective/line_derivatives.hpp"

namespace talweg {
namespace {

constexpr unsigned derived_quantities = quantity_gradient | quantity_hessian | quantity_third |
                                        quantity_hessian_product | quantity_third_product;

std::size_t entry(std::size_t i, std::size_t j) {
  return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i;
}

// Relative error of a derivative `order` orders above what is known to `noise`.
double relative_error(double noise, unsigned order) { return std::pow(noise, 4.0 / (order + 4.0)); }

// The step in scales. A power of two, so that points displaced along a coordinate are exact; half
// as long for the sums of three directions that third derivatives of the value take.
double step(double noise, unsigned order) {
  const double balanced = std::pow(noise, 1.0 / (order + 4.0));
  return std::exp2(std::round(std::log2(order == 3 ? 0.5 * balanced : balanced)));
}

void clear(double* rows, std::size_t count, const EvaluationBlock& block) {
  for (std::size_t r = 0; r < count; ++r) std::fill_n(rows + r * block.stride, block.lanes, 0.0);
}

// Column j of a symmetric matrix that comes column by column: both copies of an entry count half.
void add_column(const EvaluationBlock& block, double* matrix, std::size_t n, std::size_t lane,
                std::size_t j, const double* column, double factor) {
  for (std::size_t i = 0; i < n; ++i) {
    matrix[entry(i, j) * block.stride + lane] += (i == j ? factor : 0.5 * factor) * column[i];
  }
}

// Packed symmetric rows times a vector with its own stride.
void multiply(std::size_t n, const double* matrix, std::size_t matrix_stride, const double* vector,
              std::size_t vector_stride, double* product, std::size_t product_stride) {
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      sum += matrix[entry(i, j) * matrix_stride] * vector[j * vector_stride];
    }
    product[i * product_stride] = sum;
  }
}

}  // namespace

const char* DifferenceOptions::validate(std::size_t dimension) const noexcept {
  if (scale.size() != dimension) return "scale must have n entries";
  for (const double length : scale) {
    if (!(length > 0.0) || !std::isfinite(length)) return "scale must be positive and finite";
  }
  if (!(noise > 0.0) || noise > 1e-2) return "noise must be between 0 and 1e-2";
  return "";
}

DifferencedObjective::DifferencedObjective(std::shared_ptr<const Objective> base,
                                           unsigned available, const DifferenceOptions& options)
    : base_(std::move(base)), n_(base_->dimension()), available_(available), options_(options) {
  const char* const problem = options_.validate(n_);
  if (*problem != '\0') throw std::invalid_argument(problem);
  if (!has(quantity_value)) throw std::invalid_argument("the value must be available");
  for (double& length : options_.scale) length = std::exp2(std::round(std::log2(length)));
  options_.noise = std::max(options_.noise, 2.220446049250313e-16);
  errors_ = estimate_errors();
  const unsigned higher =
      quantity_hessian | quantity_third | quantity_hessian_product | quantity_third_product;
  if (!options_.gauge || !has(quantity_gradient) || (available_ & higher) != 0) return;
  if (options_.gauge->dimension() != n_) {
    throw std::invalid_argument("the gauge must have as many coordinates as the objective");
  }
  gauged_ = std::make_unique<GaugedDifferences>(*base_, *options_.gauge, options_.scale,
                                                step(options_.noise, 1));
}

unsigned DifferencedObjective::approximate() const noexcept {
  unsigned exact = available_;
  if (has(quantity_third)) exact |= quantity_third_product;
  if (has(quantity_third_product)) exact |= quantity_third;
  if (has(quantity_hessian)) exact |= quantity_hessian_product;
  if (has(quantity_hessian_product)) exact |= quantity_hessian;
  return derived_quantities & ~exact;
}

DerivativeErrors DifferencedObjective::estimate_errors() const {
  const unsigned differences = approximate();
  const double noise = options_.noise;
  const double own = noise > 1e-15 ? noise : 0.0;
  double inverse = 0.0, longest = 0.0;
  for (const double length : options_.scale) {
    inverse += 1.0 / (length * length);
    longest = std::max(longest, length);
  }
  inverse = std::sqrt(inverse);
  // |derivative| is about |lower derivative| / scale; at its zeros the next ones decide.
  const auto coefficients = [&](unsigned order, unsigned of) -> DerivativeErrors::Coefficients {
    const double error = order == 0 ? own : 2.0 * relative_error(noise, order);
    DerivativeErrors::Coefficients result{};
    for (unsigned lower = of - order; lower <= 2; ++lower) {
      const int power = static_cast<int>(of) - static_cast<int>(lower);
      result[lower] = error * (power >= 0 ? std::pow(inverse, power) : std::pow(longest, -power));
    }
    return result;
  };
  DerivativeErrors errors;
  const unsigned gradient_order = (differences & quantity_gradient) != 0 ? 1 : 0;
  errors.gradient = coefficients(gradient_order, 1);
  const unsigned hessian_order =
      (differences & quantity_hessian) == 0 ? 0 : (gradient_order == 0 ? 1 : 2);
  errors.hessian = coefficients(hessian_order, 2);
  if ((differences & quantity_third) == 0) {
    errors.third[2] = own * inverse;
  } else {
    errors.third = coefficients(hessian_order + 1, 3);
  }
  return errors;
}

double DifferencedObjective::scaled_length(const double* vector, std::size_t stride) const {
  double square = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    const double part = vector[i * stride] / options_.scale[i];
    square += part * part;
  }
  return std::sqrt(square);
}

void DifferencedObjective::evaluate(unsigned quantities, const EvaluationBlock& block) const {
  if (block.lanes == 0) return;
  const unsigned direct = quantities & available_;
  if (direct != 0) base_->evaluate(direct, block);
  const unsigned missing = quantities & derived_quantities & ~available_;
  if ((missing & quantity_gradient) != 0) gradient(block);
  if (gauged_ && (missing & (quantity_hessian | quantity_third)) != 0) {
    along_gauge(quantities, block);
  } else {
    if ((missing & quantity_hessian) != 0) hessian(block);
    if ((missing & quantity_third) != 0) third(block);
  }
  if ((missing & quantity_hessian_product) != 0) hessian_product(block);
  if ((missing & quantity_third_product) != 0) third_product(block);
}

void DifferencedObjective::along_gauge(unsigned quantities, const EvaluationBlock& block) const {
  EvaluationBlock with_gradient = block;
  std::vector<double> storage;
  if ((quantities & quantity_gradient) == 0) {
    storage.resize(n_ * block.stride);
    with_gradient.gradient = storage.data();
    base_->evaluate(quantity_gradient, with_gradient);
  }
  gauged_->evaluate(quantities, with_gradient);
}

void DifferencedObjective::gradient(const EvaluationBlock& block) const {
  const std::vector<double>& scale = options_.scale;
  Lines lines;
  lines.count = n_;
  lines.direction = [&](std::size_t, std::size_t i, double* d) { d[i] = scale[i]; };
  line_derivatives(*base_, quantity_value, first_stencil, step(options_.noise, 1), block, lines,
                   [&](std::size_t lane, std::size_t i, const double* rows) {
                     block.gradient[i * block.stride + lane] = rows[0] / scale[i];
                   });
}

void DifferencedObjective::hessian(const EvaluationBlock& block) const {
  const std::vector<double>& scale = options_.scale;
  clear(block.hessian, triangle(n_), block);
  Lines lines;
  lines.count = n_;
  lines.direction = [&](std::size_t, std::size_t j, double* d) { d[j] = scale[j]; };
  if (has(quantity_hessian_product)) {
    lines.v = [this](std::size_t, std::size_t j, double* v) {
      std::fill_n(v, n_, 0.0);
      v[j] = 1.0;
    };
    line_derivatives(*base_, quantity_hessian_product, value_stencil, 1.0, block, lines,
                     [&](std::size_t lane, std::size_t j, const double* rows) {
                       add_column(block, block.hessian, n_, lane, j, rows, 1.0);
                     });
    return;
  }
  if (has(quantity_gradient)) {
    line_derivatives(*base_, quantity_gradient, first_stencil, step(options_.noise, 1), block,
                     lines, [&](std::size_t lane, std::size_t j, const double* rows) {
                       add_column(block, block.hessian, n_, lane, j, rows, 1.0 / scale[j]);
                     });
    return;
  }
  const double h = step(options_.noise, 2);
  line_derivatives(*base_, quantity_value, second_stencil, h, block, lines,
                   [&](std::size_t lane, std::size_t j, const double* rows) {
                     block.hessian[entry(j, j) * block.stride + lane] =
                         rows[0] / (scale[j] * scale[j]);
                   });
  if (n_ == 1) return;
  // Pairs i > j, each with the lines along a_i + a_j and a_i - a_j.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 1; i < n_; ++i) {
    for (std::size_t j = 0; j < i; ++j) pairs.emplace_back(i, j);
  }
  lines.count = 2 * pairs.size();
  lines.direction = [&](std::size_t, std::size_t line, double* d) {
    const auto [i, j] = pairs[line / 2];
    d[i] = scale[i];
    d[j] = line % 2 == 0 ? scale[j] : -scale[j];
  };
  line_derivatives(*base_, quantity_value, second_stencil_without_centre, h, block, lines,
                   [&](std::size_t lane, std::size_t line, const double* rows) {
                     const auto [i, j] = pairs[line / 2];
                     block.hessian[entry(i, j) * block.stride + lane] +=
                         (line % 2 == 0 ? 0.25 : -0.25) * rows[0] / (scale[i] * scale[j]);
                   });
}

void DifferencedObjective::hessian_product(const EvaluationBlock& block) const {
  const std::size_t stride = block.stride;
  const std::vector<double>& scale = options_.scale;
  if (has(quantity_hessian)) {
    line_derivatives(*base_, quantity_hessian, value_stencil, 1.0, block, Lines{},
                     [&](std::size_t lane, std::size_t, const double* rows) {
                       multiply(n_, rows, 1, block.v + lane, stride, block.hessian_product + lane,
                                stride);
                     });
    return;
  }
  std::vector<double> length(block.lanes);
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    length[lane] = scaled_length(block.v + lane, stride);
  }
  Lines lines;
  const auto along_v = [&](std::size_t lane, double* d) {
    const double inverse = length[lane] > 0.0 ? 1.0 / length[lane] : 0.0;
    for (std::size_t i = 0; i < n_; ++i) d[i] = inverse * block.v[i * stride + lane];
  };
  if (has(quantity_gradient)) {
    lines.direction = [&](std::size_t lane, std::size_t, double* d) { along_v(lane, d); };
    line_derivatives(*base_, quantity_gradient, first_stencil, step(options_.noise, 1), block,
                     lines, [&](std::size_t lane, std::size_t, const double* rows) {
                       for (std::size_t i = 0; i < n_; ++i) {
                         block.hessian_product[i * stride + lane] = length[lane] * rows[i];
                       }
                     });
    return;
  }
  clear(block.hessian_product, n_, block);
  lines.count = 2 * n_;
  lines.direction = [&](std::size_t lane, std::size_t line, double* d) {
    along_v(lane, d);
    d[line / 2] += line % 2 == 0 ? scale[line / 2] : -scale[line / 2];
  };
  line_derivatives(*base_, quantity_value, second_stencil_without_centre, step(options_.noise, 2),
                   block, lines, [&](std::size_t lane, std::size_t line, const double* rows) {
                     const std::size_t i = line / 2;
                     block.hessian_product[i * stride + lane] +=
                         (line % 2 == 0 ? 0.25 : -0.25) * length[lane] * rows[0] / scale[i];
                   });
}

void DifferencedObjective::third(const EvaluationBlock& block) const {
  const std::size_t stride = block.stride;
  const std::vector<double>& scale = options_.scale;
  std::vector<double> length(block.lanes);
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    length[lane] = scaled_length(block.v + lane, stride);
  }
  const auto along_v = [&](std::size_t lane, double* d) {
    const double inverse = length[lane] > 0.0 ? 1.0 / length[lane] : 0.0;
    for (std::size_t i = 0; i < n_; ++i) d[i] = inverse * block.v[i * stride + lane];
  };
  const auto unit = [this](std::size_t, std::size_t j, double* v) {
    std::fill_n(v, n_, 0.0);
    v[j] = 1.0;
  };
  Lines lines;
  clear(block.third, triangle(n_), block);
  if (has(quantity_third_product)) {
    lines.count = n_;
    lines.v = [&](std::size_t lane, std::size_t, double* v) {
      for (std::size_t i = 0; i < n_; ++i) v[i] = block.v[i * stride + lane];
    };
    lines.w = unit;
    line_derivatives(*base_, quantity_third_product, value_stencil, 1.0, block, lines,
                     [&](std::size_t lane, std::size_t j, const double* rows) {
                       add_column(block, block.third, n_, lane, j, rows, 1.0);
                     });
    return;
  }
  lines.direction = [&](std::size_t lane, std::size_t, double* d) { along_v(lane, d); };
  const double h1 = step(options_.noise, 1);
  if (has(quantity_hessian)) {
    line_derivatives(*base_, quantity_hessian, first_stencil, h1, block, lines,
                     [&](std::size_t lane, std::size_t, const double* rows) {
                       for (std::size_t e = 0; e < triangle(n_); ++e) {
                         block.third[e * stride + lane] = length[lane] * rows[e];
                       }
                     });
    return;
  }
  if (has(quantity_hessian_product)) {
    lines.count = n_;
    lines.v = unit;
    line_derivatives(*base_, quantity_hessian_product, first_stencil, h1, block, lines,
                     [&](std::size_t lane, std::size_t j, const double* rows) {
                       add_column(block, block.third, n_, lane, j, rows, length[lane]);
                     });
    return;
  }
  if (has(quantity_gradient)) {
    lines.count = 2 * n_;
    lines.direction = [&](std::size_t lane, std::size_t line, double* d) {
      along_v(lane, d);
      d[line / 2] += line % 2 == 0 ? scale[line / 2] : -scale[line / 2];
    };
    line_derivatives(*base_, quantity_gradient, second_stencil_without_centre,
                     step(options_.noise, 2), block, lines,
                     [&](std::size_t lane, std::size_t line, const double* rows) {
                       const double sign = line % 2 == 0 ? 0.25 : -0.25;
                       add_column(block, block.third, n_, lane, line / 2, rows,
                                  sign * length[lane] / scale[line / 2]);
                     });
    return;
  }
  // Pairs i >= j, each with the four lines along v + a_i + a_j, v + a_i - a_j, v - a_i + a_j and
  // v - a_i - a_j.
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j <= i; ++j) pairs.emplace_back(i, j);
  }
  constexpr double first_sign[] = {1.0, 1.0, -1.0, -1.0}, second_sign[] = {1.0, -1.0, 1.0, -1.0};
  lines.count = 4 * pairs.size();
  lines.direction = [&](std::size_t lane, std::size_t line, double* d) {
    along_v(lane, d);
    const auto [i, j] = pairs[line / 4];
    d[i] += first_sign[line % 4] * scale[i];
    d[j] += second_sign[line % 4] * scale[j];
  };
  line_derivatives(*base_, quantity_value, third_stencil, step(options_.noise, 3), block, lines,
                   [&](std::size_t lane, std::size_t line, const double* rows) {
                     const auto [i, j] = pairs[line / 4];
                     const double sign = first_sign[line % 4] * second_sign[line % 4];
                     block.third[entry(i, j) * stride + lane] +=
                         sign * length[lane] * rows[0] / (24.0 * scale[i] * scale[j]);
                   });
}

void DifferencedObjective::third_product(const EvaluationBlock& block) const {
  const std::size_t stride = block.stride;
  const std::vector<double>& scale = options_.scale;
  const auto copy_v = [&](std::size_t lane, std::size_t, double* v) {
    for (std::size_t i = 0; i < n_; ++i) v[i] = block.v[i * stride + lane];
  };
  const auto copy_w = [&](std::size_t lane, std::size_t, double* w) {
    for (std::size_t i = 0; i < n_; ++i) w[i] = block.w[i * stride + lane];
  };
  Lines lines;
  if (has(quantity_third)) {
    lines.v = copy_v;
    line_derivatives(*base_, quantity_third, value_stencil, 1.0, block, lines,
                     [&](std::size_t lane, std::size_t, const double* rows) {
                       multiply(n_, rows, 1, block.w + lane, stride, block.third_product + lane,
                                stride);
                     });
    return;
  }
  std::vector<double> v_length(block.lanes), w_length(block.lanes);
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    v_length[lane] = scaled_length(block.v + lane, stride);
    w_length[lane] = scaled_length(block.w + lane, stride);
  }
  const auto add = [&](const double* vector, double length, double sign, std::size_t lane,
                       double* d) {
    const double factor = length > 0.0 ? sign / length : 0.0;
    for (std::size_t i = 0; i < n_; ++i) d[i] += factor * vector[i * stride + lane];
  };
  lines.direction = [&](std::size_t lane, std::size_t, double* d) {
    add(block.v, v_length[lane], 1.0, lane, d);
  };
  const double h1 = step(options_.noise, 1);
  if (has(quantity_hessian_product)) {
    lines.v = copy_w;
    line_derivatives(*base_, quantity_hessian_product, first_stencil, h1, block, lines,
                     [&](std::size_t lane, std::size_t, const double* rows) {
                       for (std::size_t i = 0; i < n_; ++i) {
                         block.third_product[i * stride + lane] = v_length[lane] * rows[i];
                       }
                     });
    return;
  }
  if (has(quantity_hessian)) {
    std::vector<double> product(n_);
    line_derivatives(*base_, quantity_hessian, first_stencil, h1, block, lines,
                     [&](std::size_t lane, std::size_t, const double* rows) {
                       multiply(n_, rows, 1, block.w + lane, stride, product.data(), 1);
                       for (std::size_t i = 0; i < n_; ++i) {
                         block.third_product[i * stride + lane] = v_length[lane] * product[i];
                       }
                     });
    return;
  }
  clear(block.third_product, n_, block);
  if (has(quantity_gradient)) {
    lines.count = 2;
    lines.direction = [&](std::size_t lane, std::size_t line, double* d) {
      add(block.v, v_length[lane], 1.0, lane, d);
      add(block.w, w_length[lane], line == 0 ? 1.0 : -1.0, lane, d);
    };
    line_derivatives(
        *base_, quantity_gradient, second_stencil_without_centre, step(options_.noise, 2), block,
        lines, [&](std::size_t lane, std::size_t line, const double* rows) {
          const double factor = (line == 0 ? 0.25 : -0.25) * v_length[lane] * w_length[lane];
          for (std::size_t i = 0; i < n_; ++i) {
            block.third_product[i * stride + lane] += factor * rows[i];
          }
        });
    return;
  }
  constexpr double w_sign[] = {1.0, 1.0, -1.0, -1.0}, unit_sign[] = {1.0, -1.0, 1.0, -1.0};
  lines.count = 4 * n_;
  lines.direction = [&](std::size_t lane, std::size_t line, double* d) {
    add(block.v, v_length[lane], 1.0, lane, d);
    add(block.w, w_length[lane], w_sign[line % 4], lane, d);
    d[line / 4] += unit_sign[line % 4] * scale[line / 4];
  };
  line_derivatives(*base_, quantity_value, third_stencil, step(options_.noise, 3), block, lines,
                   [&](std::size_t lane, std::size_t line, const double* rows) {
                     const std::size_t i = line / 4;
                     const double sign = w_sign[line % 4] * unit_sign[line % 4];
                     block.third_product[i * stride + lane] +=
                         sign * v_length[lane] * w_length[lane] * rows[0] / (24.0 * scale[i]);
                   });
}

std::unique_ptr<Objective> complete_derivatives(std::shared_ptr<const Objective> base,
                                                unsigned available,
                                                const DifferenceOptions& options) {
  return std::make_unique<DifferencedObjective>(std::move(base), available, options);
}

}  // namespace talweg

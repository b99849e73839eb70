#include <algorithm>
#include <cmath>
#include <utility>

#include "models/checks.hpp"
#include "objective/block_rows.hpp"
#include "phase_retrieval/coordinates.hpp"
#include "phase_retrieval/data_rows.hpp"
#include "phase_retrieval/loss.hpp"
#include "phase_retrieval/row_pass.hpp"
#include "simd/instruction_set.hpp"
#include "simd/models.hpp"
#include "talweg/phase_retrieval.hpp"

namespace talweg {
namespace {

// Points that share a reading of the data. More would gain nothing, as their products fill the time
// in which the rows arrive.
constexpr std::size_t most_points = 32;

constexpr unsigned matrices = quantity_hessian | quantity_third;

void check(const PhaseRetrieval& d) {
  check_count("rows", d.rows, 1);
  check_count("columns", d.columns, 1);
  if (d.complex && d.columns % 2 != 0)
    refuse("columns", "want an even number for complex data, got " + std::to_string(d.columns));
  if ((d.data != nullptr) == (d.single_data != nullptr))
    refuse("data", "want numbers in double or in single precision");
  check_size("intensities", d.intensities.size(), d.rows);
  check_finite("intensities", d.intensities);
  for (const double y : d.intensities)
    if (y < 0.0) refuse("intensities", "want numbers from 0 on, got " + in_words(y));
  if (!(d.a > 0.0)) refuse("a", "want a number above 0, got " + in_words(d.a));
}

// The quantities that are sums of rows times factors, in one pass.
template <int parts>
void evaluate_sums(const PhaseRetrievalObjective& objective, unsigned quantities,
                   const EvaluationBlock& block) {
  const PhaseRetrieval& d = objective.description();
  const bool gradient = quantities & quantity_gradient;
  const bool product = quantities & quantity_hessian_product;
  const bool third = quantities & quantity_third_product;
  const bool with_v = product || third;
  const std::size_t lanes = block.lanes;
  const std::size_t inputs = lanes * (1 + with_v + third);
  const std::size_t outputs = lanes * (std::size_t{gradient} + product + third);
  RowPass pass(rows_of(d), parts * inputs, parts * outputs, lanes, d.workers);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    put_point(pass, parts == 2, lane, block.x + lane, block.stride);
    if (with_v) put_point(pass, parts == 2, lanes + lane, block.v + lane, block.stride);
    if (third) put_point(pass, parts == 2, 2 * lanes + lane, block.w + lane, block.stride);
  }
  const double N = static_cast<double>(objective.signal_dimension()), root = std::sqrt(N);
  pass.run([&](const RowBlock& rows) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      const std::size_t i = rows.first + r;
      const double* const z = rows.z + r * rows.z_stride;
      double* p = rows.p + r * rows.p_stride;
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        double s[2] = {}, v[2] = {}, w[2] = {};
        const auto take = [&](std::size_t group, double* to) {
          for (int k = 0; k < parts; ++k) to[k] = z[parts * (group * lanes + lane) + k] / root;
        };
        take(0, s);
        const ObservationLoss<parts> loss(objective.weights()[i], d.intensities[i], s);
        rows.sums[lane] += loss.value();
        double* to = p + parts * lane;
        if (gradient) {
          loss.first(to);
          to += parts * lanes;
        }
        if (with_v) take(1, v);
        if (product) {
          loss.second().multiply(v, to);
          to += parts * lanes;
        }
        if (third) {
          take(2, w);
          loss.third(v).multiply(w, to);
        }
      }
    }
  });
  const double M = static_cast<double>(d.rows);
  std::size_t from = 0;
  const auto store = [&](double* to) {
    for (std::size_t lane = 0; lane < lanes; ++lane)
      get_point(pass, parts == 2, from++, 1.0 / (M * root), to + lane, block.stride);
  };
  if (quantities & quantity_value)
    for (std::size_t lane = 0; lane < lanes; ++lane) block.value[lane] = pass.sums()[lane] / M;
  if (gradient) store(block.gradient);
  if (product) store(block.hessian_product);
  if (third) store(block.third_product);
}

// Adds sum over rows of A^T K A to a lower triangle by rows of `stride`, where A is the row of
// data, and for complex data the row of its second part below it.
class WeightedSquares {
 public:
  WeightedSquares(const DataRows& data, bool complex)
      : data_(data), complex_(complex), n_(data.columns), stride_((n_ + 7) / 8 * 8) {
    for (auto* block : {&first_, &second_, &left_, &right_}) block->resize(rows_at_once * stride_);
  }

  std::size_t stride() const { return stride_; }

  // matrix_of(row) is K.
  template <class MatrixOf>
  void add(const ModelKernels& kernels, MatrixOf&& matrix_of, double* to) {
    for (std::size_t row = 0; row < data_.rows; row += rows_at_once) {
      const std::size_t rows = std::min(rows_at_once, data_.rows - row);
      for (std::size_t r = 0; r < rows; ++r) {
        double* const x = first_.data() + r * stride_;
        for (std::size_t j = 0; j < n_; ++j)
          x[j] = data_.wide ? data_.wide[(row + r) * n_ + j] : data_.single[(row + r) * n_ + j];
        const auto k = matrix_of(row + r);
        if (!complex_) {
          for (std::size_t j = 0; j < n_; ++j) left_[r * stride_ + j] = k.first * x[j];
          continue;
        }
        const std::size_t half = n_ / 2;
        double* const y = second_.data() + r * stride_;
        for (std::size_t j = 0; j < half; ++j) {
          y[j] = -x[half + j];
          y[half + j] = x[j];
        }
        for (std::size_t j = 0; j < n_; ++j) {
          left_[r * stride_ + j] = k.first * x[j] + k.between * y[j];
          right_[r * stride_ + j] = k.between * x[j] + k.second * y[j];
        }
      }
      kernels.matrix_product(n_, stride_, rows, first_.data(), stride_, left_.data(), stride_, to,
                             stride_, true, true);
      if (complex_)
        kernels.matrix_product(n_, stride_, rows, second_.data(), stride_, right_.data(), stride_,
                               to, stride_, true, true);
    }
  }

 private:
  static constexpr std::size_t rows_at_once = 24;
  DataRows data_;
  bool complex_;
  std::size_t n_, stride_;
  std::vector<double> first_, second_, left_, right_;
};

template <int parts>
void evaluate_matrices(const PhaseRetrievalObjective& objective, unsigned quantities,
                       const EvaluationBlock& block) {
  const PhaseRetrieval& d = objective.description();
  const std::size_t n = d.columns, M = d.rows;
  const double scale =
      1.0 / (static_cast<double>(M) * static_cast<double>(objective.signal_dimension()));
  WeightedSquares squares(rows_of(d), parts == 2);
  const std::size_t stride = squares.stride();
  std::vector<double> sum(n * stride), point(n), lambda(M * parts), along(M * parts);
  const ModelKernels& kernels = model_kernels(active_isa());
  const auto project = [&](const double* from, std::size_t lane, std::vector<double>& to) {
    for (std::size_t i = 0; i < n; ++i) point[i] = from[i * block.stride + lane];
    objective.project(1, point.data(), to.data());
  };
  const auto store = [&](std::size_t lane, double* to) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j, to += block.stride)
        to[lane] = scale * sum[i * stride + j];
  };
  const auto loss_of = [&](std::size_t row) {
    return ObservationLoss<parts>(objective.weights()[row], d.intensities[row],
                                  lambda.data() + parts * row);
  };
  for (std::size_t lane = 0; lane < block.lanes; ++lane) {
    project(block.x, lane, lambda);
    if (quantities & quantity_hessian) {
      std::fill(sum.begin(), sum.end(), 0.0);
      squares.add(kernels, [&](std::size_t row) { return loss_of(row).second(); }, sum.data());
      store(lane, block.hessian);
    }
    if (quantities & quantity_third) {
      project(block.v, lane, along);
      std::fill(sum.begin(), sum.end(), 0.0);
      squares.add(
          kernels, [&](std::size_t row) { return loss_of(row).third(along.data() + parts * row); },
          sum.data());
      store(lane, block.third);
    }
  }
}

template <int parts>
void losses_of(const PhaseRetrievalObjective& objective, std::size_t count, const double* points,
               double* loss, double* curvature, double* gradient) {
  const PhaseRetrieval& d = objective.description();
  const std::size_t n = d.columns;
  RowPass pass(rows_of(d), parts * count, gradient ? parts * count : 0, 2 * count, d.workers);
  for (std::size_t k = 0; k < count; ++k) put_point(pass, parts == 2, k, points + k * n, 1);
  const double root = std::sqrt(static_cast<double>(objective.signal_dimension()));
  pass.run([&](const RowBlock& rows) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      const std::size_t i = rows.first + r;
      for (std::size_t k = 0; k < count; ++k) {
        double s[2] = {};
        for (int part = 0; part < parts; ++part)
          s[part] = rows.z[r * rows.z_stride + parts * k + part] / root;
        const ObservationLoss<parts> at(objective.weights()[i], d.intensities[i], s);
        rows.sums[2 * k] += at.value();
        rows.sums[2 * k + 1] += at.radial();
        if (gradient) at.first(rows.p + r * rows.p_stride + parts * k);
      }
    }
  });
  const double M = static_cast<double>(d.rows);
  for (std::size_t k = 0; k < count; ++k) {
    if (loss) loss[k] = pass.sums()[2 * k] / M;
    if (curvature) curvature[k] = pass.sums()[2 * k + 1] / M;
    if (gradient) get_point(pass, parts == 2, k, 1.0 / (M * root), gradient + k * n, 1);
  }
}

}  // namespace

PhaseRetrievalObjective::PhaseRetrievalObjective(PhaseRetrieval description)
    : description_(std::move(description)) {
  check(description_);
  const double a = description_.a;
  weights_.reserve(description_.rows);
  for (const double y : description_.intensities)
    weights_.push_back(std::isfinite(a) ? 2.0 / (a + y) : 2.0);
}

void PhaseRetrievalObjective::evaluate(unsigned quantities, const EvaluationBlock& block) const {
  quantities &= every_quantity;
  const std::size_t n = description_.columns;
  for (std::size_t first = 0; first < block.lanes; first += most_points) {
    EvaluationBlock part;
    part.lanes = std::min(most_points, block.lanes - first);
    part.stride = block.stride;
    for_each_input(quantities, [&](auto member) { part.*member = block.*member + first; });
    for_each_output(n, quantities,
                    [&](auto member, std::size_t) { part.*member = block.*member + first; });
    if (const unsigned sums = quantities & ~matrices; sums != 0)
      description_.complex ? evaluate_sums<2>(*this, sums, part)
                           : evaluate_sums<1>(*this, sums, part);
    if ((quantities & matrices) != 0)
      description_.complex ? evaluate_matrices<2>(*this, quantities, part)
                           : evaluate_matrices<1>(*this, quantities, part);
  }
}

void PhaseRetrievalObjective::project(std::size_t count, const double* points,
                                      double* lambda) const {
  const std::size_t n = description_.columns, M = description_.rows;
  const std::size_t parts = description_.complex ? 2 : 1;
  const double root = std::sqrt(static_cast<double>(signal_dimension()));
  for (std::size_t first = 0; first < count; first += most_points) {
    const std::size_t some = std::min(most_points, count - first);
    RowPass pass(rows_of(description_), parts * some, 0, 0, description_.workers);
    for (std::size_t k = 0; k < some; ++k)
      put_point(pass, description_.complex, k, points + (first + k) * n, 1);
    pass.run([&](const RowBlock& rows) {
      for (std::size_t r = 0; r < rows.rows; ++r)
        for (std::size_t k = 0; k < some; ++k)
          for (std::size_t part = 0; part < parts; ++part)
            lambda[((first + k) * M + rows.first + r) * parts + part] =
                rows.z[r * rows.z_stride + parts * k + part] / root;
    });
  }
}

void PhaseRetrievalObjective::losses(std::size_t count, const double* points, double* loss,
                                     double* curvature, double* gradient) const {
  const std::size_t n = description_.columns;
  const auto from = [](double* array, std::size_t place) {
    return array ? array + place : nullptr;
  };
  for (std::size_t first = 0; first < count; first += most_points) {
    const std::size_t some = std::min(most_points, count - first);
    const auto run = description_.complex ? &losses_of<2> : &losses_of<1>;
    run(*this, some, points + first * n, from(loss, first), from(curvature, first),
        from(gradient, first * n));
  }
}

void PhaseRetrievalObjective::hessian_products(std::size_t count, const double* points,
                                               const double* vectors, double* products) const {
  const std::size_t n = description_.columns;
  for (std::size_t first = 0; first < count; first += most_points) {
    const std::size_t some = std::min(most_points, count - first);
    std::vector<double> rows(3 * n * some);
    double *const x = rows.data(), *const v = x + n * some, *const product = v + n * some;
    for (std::size_t k = 0; k < some; ++k)
      for (std::size_t j = 0; j < n; ++j) {
        x[j * some + k] = points[(first + k) * n + j];
        v[j * some + k] = vectors[(first + k) * n + j];
      }
    EvaluationBlock block;
    block.lanes = block.stride = some;
    block.x = x;
    block.v = v;
    block.hessian_product = product;
    evaluate(quantity_hessian_product, block);
    for (std::size_t k = 0; k < some; ++k)
      for (std::size_t j = 0; j < n; ++j) products[(first + k) * n + j] = product[j * some + k];
  }
}

const std::vector<double>& PhaseRetrievalObjective::row_squares() const {
  std::call_once(squares_made_, [&] {
    const DataRows data = rows_of(description_);
    squares_.resize(data.rows);
    for_chunks_of_rows(data, description_.workers, [&](std::size_t row) {
      double sum = 0.0;
      for (std::size_t j = 0; j < data.columns; ++j) {
        const double x = data.wide ? data.wide[row * data.columns + j]
                                   : static_cast<double>(data.single[row * data.columns + j]);
        sum += x * x;
      }
      squares_[row] = sum;
    });
  });
  return squares_;
}

}  // namespace talweg

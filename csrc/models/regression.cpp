#include <algorithm>
#include <mutex>

#include "models/checks.hpp"
#include "models/lane_blocks.hpp"
#include "simd/instruction_set.hpp"
#include "simd/models.hpp"
#include "talweg/models.hpp"

namespace talweg {
namespace {

constexpr std::size_t widest_block = 64;  // lanes

// Rows of data taken at once, so that what belongs to them and a block of lanes stays in the cache.
constexpr std::size_t rows_at_once(std::size_t columns) { return columns < 256 ? 48 : 24; }

// Doubles in the Hessians of the lanes taken together, for the second-level cache.
constexpr std::size_t most_matrix_doubles = 32768;

constexpr std::size_t padded_to_8(std::size_t n) { return (n + 7) / 8 * 8; }

// Some rows of the data, twice: each product wants its sums over the slow index.
struct RowBlock {
  std::size_t rows = 0;           // of the data
  std::size_t padded = 0;         // with rows of zeros, a multiple of 8
  std::size_t first = 0;          // number of the first one
  std::vector<double> by_row;     // (padded, padded columns)
  std::vector<double> by_column;  // (columns, padded)
};

// A block of lanes, rows of `width`. One lane alone has width 1: then the data's rows or columns
// are what a vector holds, which changes no sum.
struct Lanes {
  std::size_t count = 0, width = 0;
  std::size_t stride = 0;  // of the rows of coordinates
  bool one() const { return width == 1; }
};

class RegressionObjective final : public Objective {
 public:
  explicit RegressionObjective(const Regression& description)
      : kernels_(model_kernels(active_isa())),
        logistic_(description.loss == Regression::Loss::logistic),
        rows_(description.rows),
        n_(description.columns),
        padded_n_(padded_to_8(n_)),
        most_rows_(rows_at_once(n_)),
        ridge_(description.ridge) {
    check(description);
    ridge_.resize(n_);
    for (std::size_t first = 0; first < rows_; first += most_rows_) {
      RowBlock block;
      block.first = first;
      block.rows = std::min(most_rows_, rows_ - first);
      block.padded = padded_to_8(block.rows);
      block.by_row.resize(block.padded * padded_n_);
      block.by_column.resize(n_ * block.padded);
      for (std::size_t r = 0; r < block.rows; ++r)
        for (std::size_t j = 0; j < n_; ++j) {
          // With rows y z the logistic loss needs no labels.
          const double entry = description.data[(first + r) * n_ + j] *
                               (logistic_ ? description.targets[first + r] : 1.0);
          block.by_row[r * padded_n_ + j] = entry;
          block.by_column[j * block.padded + r] = entry;
        }
      blocks_.push_back(std::move(block));
    }
    if (!logistic_) {
      targets_ = description.targets;
      targets_.resize(padded_to_8(rows_));
    }
  }

  std::size_t dimension() const noexcept override { return n_; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    quantities &= every_quantity;
    std::size_t widest = widest_block;
    if (quantities & (quantity_hessian | quantity_third))
      widest = std::clamp<std::size_t>(most_matrix_doubles / (n_ * padded_n_), 1, widest);
    for (std::size_t first = 0; first < block.lanes; first += widest) {
      EvaluationBlock part;
      part.lanes = std::min(widest, block.lanes - first);
      part.stride = block.stride;
      for_each_input(quantities, [&](auto member) { part.*member = block.*member + first; });
      for_each_output(n_, quantities,
                      [&](auto member, std::size_t) { part.*member = block.*member + first; });
      evaluate_part(quantities, part);
    }
  }

 private:
  static void check(const Regression& d) {
    check_count("rows", d.rows, 1);
    check_count("columns", d.columns, 1);
    check_size("data", d.data.size(), d.rows * d.columns);
    check_size("targets", d.targets.size(), d.rows);
    if (!d.ridge.empty()) check_size("ridge", d.ridge.size(), d.columns);
    check_finite("data", d.data);
    check_finite("targets", d.targets);
    check_finite("ridge", d.ridge);
    for (const double r : d.ridge)
      if (r < 0.0) refuse("ridge", "want numbers from 0 on, got " + in_words(r));
    if (d.loss == Regression::Loss::logistic)
      for (const double y : d.targets)
        if (y != 1.0 && y != -1.0) refuse("targets", "want +1 or -1, got " + in_words(y));
  }

  // Data times coordinates: one number a row and lane.
  void along_rows(const RowBlock& data, Lanes lanes, const double* coordinates, double* to) const {
    if (lanes.one())
      kernels_.matrix_product(1, data.padded, n_, coordinates, 1, data.by_column.data(),
                              data.padded, to, data.padded, false, false);
    else
      kernels_.matrix_product(data.padded, lanes.width, n_, data.by_column.data(), data.padded,
                              coordinates, lanes.stride, to, lanes.width, false, false);
  }

  // Adds the data's transpose times numbers of rows: one number a coordinate and lane.
  void add_along_columns(const RowBlock& data, Lanes lanes, const double* numbers,
                         double* to) const {
    if (lanes.one())
      kernels_.matrix_product(1, padded_n_, data.padded, numbers, 1, data.by_row.data(), padded_n_,
                              to, padded_n_, true, false);
    else
      kernels_.matrix_product(n_, lanes.width, data.padded, data.by_row.data(), padded_n_, numbers,
                              lanes.width, to, lanes.stride, true, false);
  }

  // Adds the sum of weight z z' over the rows z, lower triangle by rows of padded_n_.
  void add_outer_products(const RowBlock& data, const double* weights, std::size_t stride,
                          double* scaled, double* to) const {
    kernels_.scale_rows(data.padded, padded_n_, weights, stride, data.by_row.data(), scaled);
    kernels_.matrix_product(n_, padded_n_, data.padded, scaled, padded_n_, data.by_row.data(),
                            padded_n_, to, padded_n_, true, true);
  }

  // Losses and derivatives of a block's rows at the numbers s. Null arrays are not wanted.
  void losses(const RowBlock& data, Lanes lanes, const double* s, double* loss, double* first,
              double* second, double* third) const {
    const std::size_t size = data.padded * lanes.width;
    if (logistic_) {
      kernels_.logistic(size, s, loss, first, second, third);
      return;
    }
    for (std::size_t r = 0, i = 0; r < data.padded; ++r)
      for (std::size_t lane = 0; lane < lanes.width; ++lane, ++i) {
        const double residual = s[i] - targets_[data.first + r];
        if (loss) loss[i] = 0.5 * residual * residual;
        if (first) first[i] = residual;
      }
  }

  void evaluate_part(unsigned quantities, const EvaluationBlock& block) const;
  const std::vector<double>& gram() const;

  const ModelKernels& kernels_;
  bool logistic_;
  std::size_t rows_, n_, padded_n_, most_rows_;
  std::vector<double> ridge_, targets_;
  std::vector<RowBlock> blocks_;
  mutable std::once_flag gram_made_;
  mutable std::vector<double> gram_;  // the Hessian of the squares, packed
};

// Parts of one allocation, rounded so that each begins a cache line.
class Room {
 public:
  std::size_t take(bool wanted, std::size_t doubles) {
    const std::size_t place = size_;
    if (wanted) size_ += padded_to_8(doubles);
    return place;
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

void RegressionObjective::evaluate_part(unsigned quantities, const EvaluationBlock& block) const {
  const auto wants = [&](unsigned any) { return (quantities & any) != 0; };
  const std::size_t vector = kernels_.vector_lanes;
  const std::size_t width = block.lanes == 1 ? 1 : (block.lanes + vector - 1) / vector * vector;
  // Rows at multiples of 256 bytes would meet in a few sets of the first-level cache.
  const Lanes lanes{block.lanes, width, width % 32 == 0 ? width + 8 : width};
  const std::size_t stride = lanes.stride, coordinates = padded_n_ * stride;
  const std::size_t numbers = most_rows_ * width, matrices = n_ * padded_n_ * lanes.count;
  // The squares' Hessian is made once, and their third derivative is zero.
  const bool hessian = wants(quantity_hessian) && logistic_;
  const bool third = wants(quantity_third) && logistic_;
  const bool third_product = wants(quantity_third_product) && logistic_;
  const bool hessian_product = wants(quantity_hessian_product);

  Room room;
  const std::size_t place_x = room.take(true, coordinates);
  const std::size_t place_v = room.take(wants(quantities_of_v), coordinates);
  const std::size_t place_w = room.take(third_product, coordinates);
  // What is summed up starts here.
  const std::size_t sums_begin = room.size();
  const std::size_t place_value = room.take(wants(quantity_value), width);
  const std::size_t place_gradient = room.take(wants(quantity_gradient), coordinates);
  const std::size_t place_hp = room.take(hessian_product, coordinates);
  const std::size_t place_tp = room.take(third_product, coordinates);
  const std::size_t place_hessian = room.take(hessian, matrices);
  const std::size_t place_third = room.take(third, matrices);
  const std::size_t sums_end = room.size();
  const std::size_t place_s = room.take(true, numbers);
  const std::size_t place_along_v = room.take(wants(quantities_of_v), numbers);
  const std::size_t place_along_w = room.take(third_product, numbers);
  const std::size_t place_loss = room.take(wants(quantity_value), numbers);
  const std::size_t place_first = room.take(wants(quantity_gradient), numbers);
  const std::size_t place_second = room.take(hessian || (hessian_product && logistic_), numbers);
  const std::size_t place_d3 = room.take(third || third_product, numbers);
  const std::size_t place_product = room.take(true, numbers);
  const std::size_t place_scaled = room.take(hessian || third, most_rows_ * padded_n_);
  double* const memory = thread_scratch<RegressionObjective>(room.size());
  std::fill(memory + sums_begin, memory + sums_end, 0.0);

  const auto load = [&](const double* from, std::size_t place) {
    double* to = memory + place;
    for (std::size_t i = 0; i < n_; ++i, to += stride) {
      std::copy_n(from + i * block.stride, lanes.count, to);
      std::fill(to + lanes.count, to + width, 0.0);
    }
  };
  load(block.x, place_x);
  if (wants(quantities_of_v)) load(block.v, place_v);
  if (third_product) load(block.w, place_w);

  double* const s = memory + place_s;
  double* const along_v = memory + place_along_v;
  double* const along_w = memory + place_along_w;
  double* const second = memory + place_second;
  double* const d3 = memory + place_d3;
  double* const product = memory + place_product;
  const bool needs_s = wants(quantity_value | quantity_gradient) || logistic_;
  for (const RowBlock& data : blocks_) {
    const std::size_t size = data.padded * width;
    if (needs_s) {
      along_rows(data, lanes, memory + place_x, s);
      losses(data, lanes, s, wants(quantity_value) ? memory + place_loss : nullptr,
             wants(quantity_gradient) ? memory + place_first : nullptr,
             hessian || hessian_product ? second : nullptr, third || third_product ? d3 : nullptr);
    }
    if (hessian_product || third || third_product)
      along_rows(data, lanes, memory + place_v, along_v);
    if (wants(quantity_value))
      for (std::size_t r = 0; r < data.rows; ++r)
        for (std::size_t lane = 0; lane < width; ++lane)
          memory[place_value + lane] += memory[place_loss + r * width + lane];
    if (wants(quantity_gradient))
      add_along_columns(data, lanes, memory + place_first, memory + place_gradient);
    if (hessian)
      for (std::size_t lane = 0; lane < lanes.count; ++lane)
        add_outer_products(data, second + lane, width, memory + place_scaled,
                           memory + place_hessian + lane * n_ * padded_n_);
    if (hessian_product) {
      for (std::size_t i = 0; i < size; ++i)
        product[i] = logistic_ ? second[i] * along_v[i] : along_v[i];
      add_along_columns(data, lanes, product, memory + place_hp);
    }
    if (third || third_product)
      for (std::size_t i = 0; i < size; ++i) product[i] = d3[i] * along_v[i];
    if (third)
      for (std::size_t lane = 0; lane < lanes.count; ++lane)
        add_outer_products(data, product + lane, width, memory + place_scaled,
                           memory + place_third + lane * n_ * padded_n_);
    if (third_product) {
      along_rows(data, lanes, memory + place_w, along_w);
      for (std::size_t i = 0; i < size; ++i) product[i] *= along_w[i];
      add_along_columns(data, lanes, product, memory + place_tp);
    }
  }

  const double count = static_cast<double>(rows_);
  if (wants(quantity_value))
    for (std::size_t lane = 0; lane < lanes.count; ++lane) {
      double penalty = 0.0;
      for (std::size_t i = 0; i < n_; ++i) {
        const double x = block.x[i * block.stride + lane];
        penalty += 0.5 * ridge_[i] * x * x;
      }
      block.value[lane] = memory[place_value + lane] / count + penalty;
    }
  const auto store = [&](std::size_t place, const double* ridge_of, double* to) {
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t lane = 0; lane < lanes.count; ++lane) {
        const double mean = memory[place + i * stride + lane] / count;
        to[i * block.stride + lane] =
            ridge_of ? mean + ridge_[i] * ridge_of[i * block.stride + lane] : mean;
      }
  };
  if (wants(quantity_gradient)) store(place_gradient, block.x, block.gradient);
  if (hessian_product) store(place_hp, block.v, block.hessian_product);
  if (third_product) store(place_tp, nullptr, block.third_product);
  const auto store_matrix = [&](std::size_t place, bool with_ridge, double* to) {
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j <= i; ++j, to += block.stride)
        for (std::size_t lane = 0; lane < lanes.count; ++lane) {
          const double mean = memory[place + (lane * n_ + i) * padded_n_ + j] / count;
          to[lane] = with_ridge && i == j ? mean + ridge_[i] : mean;
        }
  };
  if (hessian) store_matrix(place_hessian, true, block.hessian);
  if (third) store_matrix(place_third, false, block.third);

  if (logistic_) return;
  if (wants(quantity_hessian)) {
    const std::vector<double>& constant = gram();
    for (std::size_t row = 0; row < triangle(n_); ++row)
      std::fill_n(block.hessian + row * block.stride, block.lanes, constant[row]);
  }
  if (wants(quantity_third))
    for (std::size_t row = 0; row < triangle(n_); ++row)
      std::fill_n(block.third + row * block.stride, block.lanes, 0.0);
  if (wants(quantity_third_product))
    for (std::size_t i = 0; i < n_; ++i)
      std::fill_n(block.third_product + i * block.stride, block.lanes, 0.0);
}

const std::vector<double>& RegressionObjective::gram() const {
  std::call_once(gram_made_, [&] {
    std::vector<double> full(n_ * padded_n_);
    for (const RowBlock& data : blocks_)
      kernels_.matrix_product(n_, padded_n_, data.padded, data.by_row.data(), padded_n_,
                              data.by_row.data(), padded_n_, full.data(), padded_n_, true, true);
    gram_.reserve(triangle(n_));
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        gram_.push_back(full[i * padded_n_ + j] / static_cast<double>(rows_) +
                        (i == j ? ridge_[i] : 0.0));
  });
  return gram_;
}

}  // namespace

std::unique_ptr<Objective> make_objective(const Regression& description) {
  return std::make_unique<RegressionObjective>(description);
}

}  // namespace talweg

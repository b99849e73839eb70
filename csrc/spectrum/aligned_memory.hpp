// Working memory whose vectors do not straddle cache lines.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace talweg {

// Grows, never shrinks, and keeps no contents when it grows; zeros at first.
class AlignedMemory {
 public:
  double* reserve(std::size_t doubles) {
    if (doubles > size_) {
      memory_.reset();
      memory_.reset(new (alignment) double[doubles]());
      size_ = doubles;
    }
    return memory_.get();
  }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Delete {
    void operator()(double* memory) const { ::operator delete[](memory, alignment); }
  };

  std::unique_ptr<double[], Delete> memory_;
  std::size_t size_ = 0;
};

}  // namespace talweg

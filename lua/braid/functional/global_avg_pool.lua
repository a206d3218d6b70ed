--- global_avg_pool: x (n,c,h,w) -> (n,c), the mean of each channel.

return function(x) return x:mean({3, 4}) end
